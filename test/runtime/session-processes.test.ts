import assert from "node:assert/strict";
import { test } from "node:test";

import type { EndedProcess } from "../../src/ports/agent-sessions.ts";
import type { SessionStore } from "../../src/ports/session-store.ts";
import type { Tool } from "../../src/ports/tool.ts";
import type { SessionId } from "../../src/schema/ids.ts";
import { gate } from "../support/fake-model.ts";
import { eventsOf, eventually, harness, newSession, typesOf, type Harness } from "../support/runtime-harness.ts";
import { openTestStore } from "../support/test-store.ts";
import { until } from "../support/until.ts";

const message = { source: "http", mayDecide: true };
const startedAt = "2026-11-21T10:00:00.000Z";
const ended: EndedProcess = {
  handle: "h1",
  callId: "c1",
  pid: 7,
  startedAt,
  startRecorded: true,
  exitCode: 2,
  message: "it failed",
};

/** Starts a background process each time it is called; `hold` keeps the call running. */
function spawning(hold?: Promise<unknown>): Tool {
  return {
    definition: { name: "spawn", description: "spawn", parameters: { type: "object" } },
    effect: "resumable",
    fault: () => null,
    describe: () => ({ type: "bash", text: "spawn" }),
    async run(_call, { session }) {
      await session.processStarted({ handle: "h1", pid: 7, startedAt });
      await hold;
      return { success: true, outcome: "ok", content: "started" };
    },
  };
}

const countOf = async (running: Harness, id: SessionId, type: string): Promise<number> =>
  (await typesOf(running, id)).filter((one) => one === type).length;

async function withProcess(running: Harness): Promise<SessionId> {
  const id = await newSession(running);
  running.model.reply({ calls: [{ call_id: "c1", tool_name: "spawn", arguments: {} }] });
  await running.sessions.send(id, { content: "go", unattended: true, ...message });
  await eventually(running, id, (event) => event.type === "turn_end");
  return id;
}

test("the end of a process is an event and a message that starts a turn, once however often it is told", async (t) => {
  const running = harness({ store: await openTestStore(t), tools: [spawning()] });
  const id = await withProcess(running);
  await Promise.all([running.sessions.processEnded(id, ended), running.sessions.processEnded(id, ended)]);
  await running.sessions.processEnded(id, { ...ended, message: "it failed, in other words" });
  const events = await eventsOf(running, id);
  const ends = events.filter((event) => event.type === "process_ended");
  assert.equal(ends.length, 1);
  assert.partialDeepStrictEqual(ends[0], { handle: "h1", call_id: "c1", pid: 7, exit_code: 2, epoch: 1 });
  const said = events.filter((event) => event.type === "user_message" && event.source === "process:h1");
  assert.equal(said.length, 1);
  assert.partialDeepStrictEqual(said[0], { content: "it failed", delivery: "steer", unattended: true });
  assert.equal(said[0] && "may_decide" in said[0], false);
  await until("a turn has answered it", async () => (await countOf(running, id, "turn_end")) === 2);
});

test("an end is not told again when its key is no longer kept", async (t) => {
  const store = await openTestStore(t);
  // Keeps no keys at all.
  const append: SessionStore["append"] = (id, appendId, events, { idempotencyKey: _, ...options }) =>
    store.append(id, appendId, events, options);
  const forgetful = new Proxy(store, {
    get(target, name) {
      if (name === "append") return append;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const running = harness({ store: forgetful, tools: [spawning()] });
  const id = await withProcess(running);
  await running.sessions.processEnded(id, ended);
  await running.sessions.processEnded(id, ended);
  assert.equal(await countOf(running, id, "user_message"), 2);
  assert.equal(await countOf(running, id, "process_ended"), 1);
});

test("an end without a message is recorded, and starts no turn", async (t) => {
  const running = harness({ store: await openTestStore(t), tools: [spawning()] });
  const id = await withProcess(running);
  const { message: _, ...silent } = ended;
  await running.sessions.processEnded(id, silent);
  assert.equal(await countOf(running, id, "process_ended"), 1);
  assert.equal(await countOf(running, id, "turn_start"), 1);
});

test("an end that comes while a call runs does not wait for it", async (t) => {
  const held = gate();
  const running = harness({ store: await openTestStore(t), tools: [spawning(held.opened)] });
  const id = await newSession(running);
  running.model.reply({ calls: [{ call_id: "c1", tool_name: "spawn", arguments: {} }] });
  await running.sessions.send(id, { content: "go", unattended: true, ...message });
  await eventually(running, id, (event) => event.type === "process_started");
  const { message: _, ...silent } = ended;
  await running.sessions.processEnded(id, silent);
  assert.equal(await countOf(running, id, "tool_result"), 0);
  held.open();
  await eventually(running, id, (event) => event.type === "turn_end");
  assert.equal(await countOf(running, id, "process_ended"), 1);
});

test("an end that was told before a crash could record it is recorded by the next server, and told once", async (t) => {
  const store = await openTestStore(t);
  const first = harness({ store, tools: [spawning()] });
  const id = await withProcess(first);
  await first.sessions.stop(1_000);
  // As a crash between the two leaves it: the message is there, its event is not.
  await store.append(
    id,
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    [
      {
        timestamp: startedAt,
        type: "user_message",
        message_id: "msg_01ARZ3NDEKTSV4RRFFQ69G5FAV" as never,
        content: "it failed",
        source: "process:h1",
        delivery: "steer",
        unattended: true,
        idempotency_key: "process:h1:ended",
      },
    ],
    { idempotencyKey: "process:h1:ended" },
  );
  const second = harness({ store, tools: [spawning()] });
  await second.sessions.start();
  await second.sessions.processEnded(id, ended);
  const events = await eventsOf(second, id);
  assert.equal(events.filter((event) => event.type === "process_ended").length, 1);
  assert.equal(events.filter((event) => event.type === "user_message" && event.source === "process:h1").length, 1);
});

test("a session that has ended or is gone takes no end, and that is no error", async (t) => {
  const running = harness({ store: await openTestStore(t), tools: [spawning()] });
  const id = await withProcess(running);
  await running.sessions.control(id, { action: "end", by: "http", attached: false });
  await eventually(running, id, (event) => event.type === "session_end");
  await running.sessions.processEnded(id, ended);
  assert.equal((await typesOf(running, id)).at(-1), "session_end");
  await running.sessions.delete(id);
  await running.sessions.processEnded(id, ended);
  await running.sessions.processSays(id, { handle: "h1", content: "silent", idempotencyKey: "k" });
  await running.sessions.processEnded("session_01ARZ3NDEKTSV4RRFFQ69G5FAV" as SessionId, ended);
});

test("what a process says is one message for a key", async (t) => {
  const running = harness({ store: await openTestStore(t), tools: [spawning()] });
  const id = await withProcess(running);
  const note = { handle: "h1", content: "it waits for an answer", idempotencyKey: "process:h1:silent:12" };
  await running.sessions.processSays(id, note);
  await running.sessions.processSays(id, note);
  const said = (await eventsOf(running, id)).filter((event) => event.type === "user_message");
  assert.deepEqual(
    said.map((event) => event.type === "user_message" && event.source),
    ["http", "process:h1"],
  );
});

test("the end of a session is told, so that what it left running goes", async (t) => {
  const running = harness({ store: await openTestStore(t), tools: [spawning()] });
  const gone: string[] = [];
  running.parts.sessionEnded = (id) => gone.push(id);
  const id = await withProcess(running);
  await running.sessions.control(id, { action: "end", by: "http", attached: false });
  await eventually(running, id, (event) => event.type === "session_end");
  assert.ok(gone.includes(id));
});
