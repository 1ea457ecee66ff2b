import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { readWorkingNotes, writeWorkingNotes } from "../../src/adapters/tools/working-notes.ts";
import type { Tool } from "../../src/ports/tool.ts";
import type { SessionId } from "../../src/schema/ids.ts";
import { gate } from "../support/fake-model.ts";
import { eventsOf, harness, newSession, type Harness } from "../support/runtime-harness.ts";
import { openRestartableStore } from "../support/test-store.ts";

const patient = { timeoutMs: 5_000, signal: new AbortController().signal };
const heading = "## Your working notes for this session";

async function world(t: TestContext, tools: Tool[] = []) {
  const disk = await openRestartableStore(t);
  const notes = { text: undefined as string | undefined };
  const start = (store: typeof disk.store): Harness => {
    const running = harness({ store, tools });
    running.parts.notesOf = () => Promise.resolve(notes.text);
    return running;
  };
  return { disk, notes, start, running: start(disk.store) };
}

async function turn({ sessions }: Harness, id: SessionId, content = "go"): Promise<void> {
  const sent = await sessions.send(id, { content, source: "http", mayDecide: true });
  await sessions.answer(id, sent.messageId, patient);
}

/** A tool that replaces the notes while a turn goes on. */
const writer = (notes: { text: string | undefined }): Tool => ({
  definition: { name: "write", description: "write", parameters: { type: "object" } },
  effect: "idempotent",
  fault: () => null,
  describe: () => ({ type: "builtin", text: "write" }),
  run: () => {
    notes.text = "written in this turn";
    return Promise.resolve({ success: true, outcome: "ok", content: "done" });
  },
});

const calls = [{ call_id: "c1", tool_name: "write", arguments: {} }];
const systems = ({ model }: Harness): string[] => model.requests.map((request) => request.system ?? "");

test("working notes stand at the prompt's end as they were when the turn started, and hold still for the turn", async (t) => {
  const notes = { text: "the plan" as string | undefined };
  const { disk } = await world(t);
  const running = harness({ store: disk.store, tools: [writer(notes)] });
  running.parts.notesOf = () => Promise.resolve(notes.text);
  const id = await newSession(running, "continue");
  running.model.reply({ calls });
  await turn(running, id);
  await turn(running, id);
  const [first = "", second, third = ""] = systems(running);
  assert.ok(first.endsWith(`\n\n${heading}\n\nthe plan`));
  assert.equal(second, first);
  assert.ok(third.endsWith(`${heading}\n\nwritten in this turn`));
});

test("the log holds notes once for as long as they stay the same, and their end", async (t) => {
  const { running, notes } = await world(t);
  const id = await newSession(running, "continue");
  for (const text of [undefined, "a", "a", "b", undefined, undefined]) {
    notes.text = text;
    await turn(running, id);
  }
  const starts = (await eventsOf(running, id)).filter((event) => event.type === "turn_start");
  assert.deepEqual(
    starts.map((event) => event.notes),
    [undefined, "a", undefined, "b", "", undefined],
  );
  assert.deepEqual(
    systems(running).map((system) => system.includes(heading)),
    [false, true, true, true, false, false],
  );
});

test("after a crash a turn asks again with the notes that it had started with, though it has changed them since", async (t) => {
  const { disk, notes, start } = await world(t);
  notes.text = "before the turn";
  const first = harness({ store: disk.store, tools: [writer(notes)] });
  first.parts.notesOf = () => Promise.resolve(notes.text);
  const id = await newSession(first, "continue");
  first.model.reply({ calls });
  first.model.reply({ text: ["half"], hold: gate().opened });
  const holding = first.model.holding();
  const sent = await first.sessions.send(id, { content: "go", source: "http", mayDecide: true });
  await holding;
  await disk.kill();
  const second = start(await disk.reopen());
  await second.sessions.start();
  await second.sessions.answer(id, sent.messageId, patient);
  assert.equal(notes.text, "written in this turn");
  assert.match(first.model.requests[1]?.system ?? "", /before the turn$/);
  const { system, messages } = second.model.requests[0] ?? assert.fail("it did not go on");
  assert.deepEqual(
    { system, messages },
    { system: first.model.requests[1]?.system, messages: first.model.requests[1]?.messages },
  );
});

test("known secrets in notes are neither logged nor sent", async (t) => {
  const { running, notes } = await world(t);
  running.parts.redact = <Value>(value: Value): Value =>
    JSON.parse(JSON.stringify(value).replaceAll("hunter2hunter2", "***"));
  notes.text = "the key: hunter2hunter2";
  const id = await newSession(running, "continue");
  await turn(running, id);
  await turn(running, id);
  const log = JSON.stringify(await eventsOf(running, id));
  assert.doesNotMatch(log + systems(running).join(), /hunter2/);
  assert.equal(log.match(/the key: \*\*\*/g)?.length, 1);
});

test("notes that can not be read stop no turn: it has those that the last one had", async (t) => {
  const { running, notes } = await world(t);
  notes.text = "known";
  const id = await newSession(running, "continue");
  await turn(running, id);
  running.parts.notesOf = () => Promise.reject(new Error("EIO"));
  await turn(running, id);
  assert.match(systems(running)[1] ?? "", /known$/);
  assert.equal(running.log.filter((line) => line.message.startsWith("the working notes could not be read")).length, 1);
});

test("notes go with their session when it is deleted", async (t) => {
  const { disk, running } = await world(t);
  const sessionsFolder = join(disk.folder, "sessions");
  const id = await newSession(running, "continue");
  await turn(running, id);
  await writeWorkingNotes(sessionsFolder, id, "for now");
  assert.equal(await readWorkingNotes(sessionsFolder, id), "for now");
  await running.sessions.delete(id);
  assert.equal(await readWorkingNotes(sessionsFolder, id), undefined);
  assert.deepEqual(
    (await readdir(sessionsFolder)).filter((name) => name === id),
    [],
  );
});

test("a fork begins without notes", async (t) => {
  const { running, notes } = await world(t);
  notes.text = "of the parent";
  const id = await newSession(running, "continue");
  await turn(running, id);
  const { session } = await running.sessions.fork(id, {});
  notes.text = undefined;
  await turn(running, session.sessionId);
  assert.doesNotMatch(systems(running)[1] ?? "", /of the parent/);
  assert.doesNotMatch(JSON.stringify(await eventsOf(running, session.sessionId)), /of the parent/);
});
