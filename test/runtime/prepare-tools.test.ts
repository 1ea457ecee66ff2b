import assert from "node:assert/strict";
import { test } from "node:test";

import { redactor } from "../../src/domain/redact.ts";
import { gate } from "../support/fake-model.ts";
import { harness, newSession, type Harness } from "../support/runtime-harness.ts";
import { openTestStore } from "../support/test-store.ts";
import { until } from "../support/until.ts";
import { createVirtualClock } from "../support/virtual-clock.ts";
import type { RuntimeParts } from "../../src/runtime/parts.ts";
import type { SessionId } from "../../src/schema/ids.ts";

const patient = { timeoutMs: 5_000, signal: new AbortController().signal };
const message = { source: "http", mayDecide: true };
type Change = Partial<ReturnType<RuntimeParts["toolsOf"]>>;

function withTools(running: Harness, change: Change): void {
  const { toolsOf } = running.parts;
  running.parts.toolsOf = (agent) => ({ ...toolsOf(agent), ...change });
}

/** What watchers are told that the session does, from now on. */
async function watched({ sessions }: Harness, id: SessionId) {
  const reader = await sessions.reader(id, "now");
  const told: Record<string, unknown>[] = [];
  const read = async (): Promise<Record<string, unknown>[]> => {
    for (const frame of await reader.take(1 << 20))
      if (frame.kind === "live" && frame.name === "activity") told.push(frame.data);
    return told;
  };
  return { read, close: () => reader.close() };
}

test("who watches is told what a turn waits for once a look for tools takes long, and when it is over", async (t) => {
  const clock = createVirtualClock();
  const running = harness({ store: await openTestStore(t), clock });
  const held = gate();
  let isLooking = false;
  const prepare = (): Promise<void> => {
    isLooking = true;
    return held.opened;
  };
  withTools(running, { prepare, waitsFor: () => "starting MCP server files" });
  const id = await newSession(running, "continue");
  const watch = await watched(running, id);
  const sent = await running.sessions.send(id, { content: "go", ...message });
  await until("tools are looked for", () => isLooking);
  clock.advance(299);
  assert.deepEqual(await watch.read(), [{ activity: "working" }]);
  clock.advance(1);
  const waiting = { activity: "working", reason: "starting MCP server files" };
  assert.deepEqual(await watch.read(), [{ activity: "working" }, waiting]);
  const modelHeld = gate();
  running.model.reply({ text: ["done"], hold: modelHeld.opened });
  const holding = running.model.holding();
  held.open();
  await holding;
  assert.deepEqual((await watch.read()).slice(2), [{ activity: "working" }]);
  modelHeld.open();
  await running.sessions.answer(id, sent.messageId, patient);
  watch.close();
});

test("problems of tools are told when they come and go, and stand in the session, cut and without secrets", async (t) => {
  const secret = "hunter2-hunter2";
  const running = harness({ store: await openTestStore(t) });
  running.parts.redact = (value) => redactor([secret]).value(value);
  let problems: string[] = [];
  withTools(running, { problems: () => problems });
  const id = await newSession(running, "continue");
  const watch = await watched(running, id);
  const turn = async (): Promise<unknown[]> => {
    const before = (await watch.read()).length;
    running.model.reply({ text: ["done"] });
    const sent = await running.sessions.send(id, { content: "go", ...message });
    await running.sessions.answer(id, sent.messageId, patient);
    await until("it is told", async () => (await watch.read()).at(-1)?.["activity"] === "idle");
    return (await watch.read()).slice(before).map((one) => one["problems"]);
  };
  assert.deepEqual(new Set(await turn()), new Set([undefined]));
  assert.ok(!("toolProblems" in (await running.sessions.get(id))));

  problems = [`MCP server files: bad key ${secret}`, "x".repeat(10_000)];
  const shown = ["MCP server files: bad key ***", `${"x".repeat(500)}…`];
  assert.deepEqual((await turn()).at(-1), shown);
  assert.deepEqual((await running.sessions.get(id)).toolProblems, shown);

  problems = Array.from({ length: 1_000 }, (_, at) => `the tool ${at}: it is not there`);
  await turn();
  const many = (await running.sessions.get(id)).toolProblems;
  assert.deepEqual([many?.length, many?.at(-1)], [21, "980 more; the server's log has them all"]);

  problems = [];
  assert.equal((await turn()).at(-1), undefined);
  assert.ok(!("toolProblems" in (await running.sessions.get(id))));
  watch.close();
});
