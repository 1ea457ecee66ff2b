import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { until } from "../support/until.ts";
import { DoerSession, eventsOf, type Acting } from "./acting-agents.ts";

/** Stays where it is the first time, and ends the second. */
const lingering = "echo x >> file; [ $(wc -l < file) -gt 1 ] || sleep 60";
const allowed = { mode: "allow" };

/** The server is killed after the command has written and before it has ended. */
async function killedInTheMiddle(t: TestContext, acting: Acting, file = "file"): Promise<DoerSession> {
  const session = await DoerSession.start(t, { policy: allowed, ...acting });
  await session.leave(`run: ${lingering}`);
  await until("what the command writes first", async () => (await session.written(file)) !== "");
  await session.restart();
  return session;
}

const interrupted = (on_interrupted_tool: string) => ({
  spec: { session: { on_disconnect: "continue", on_interrupted_tool } },
});

test("after a kill -9 a command is not run again, the model is told that its outcome is unknown, and the turn ends", async (t) => {
  const session = await killedInTheMiddle(t, {});
  const events = await session.afterTurns(1);
  assert.equal(await session.written("file"), "x\n");
  const [result] = eventsOf(events, "tool_result");
  assert.equal(result?.result.outcome, "interrupted");
  assert.equal(eventsOf(events, "tool_start").length, 1);
  assert.match(eventsOf(events, "assistant_response").at(-1)?.content ?? "", /It says: .*may or may not/);
  assert.equal(eventsOf(events, "turn_end")[0]?.outcome, "completed");
});

test("with on_interrupted_tool: retry it runs again, with the same key", async (t) => {
  const session = await killedInTheMiddle(t, interrupted("retry"));
  const starts = eventsOf(await session.afterTurns(1), "tool_start");
  assert.equal(await session.written("file"), "x\nx\n");
  assert.deepEqual(
    starts.map(({ attempt }) => attempt),
    [1, 2],
  );
  assert.equal(starts[0]?.idempotency_key, starts[1]?.idempotency_key);
});

test("with on_interrupted_tool: ask it runs again only when that is allowed", async (t) => {
  const session = await killedInTheMiddle(t, interrupted("ask"));
  const question = await session.question();
  assert.equal(question["command"], lingering);
  assert.equal(await session.written("file"), "x\n");
  const answered = await session.post("/approve", { call_id: question["call_id"], decision: "allow_once" });
  assert.equal(answered.json.status, "complete");
  assert.equal(await session.written("file"), "x\nx\n");
});

test("with on_interrupted_tool: ask a denial says that it may have taken effect before", async (t) => {
  const session = await killedInTheMiddle(t, interrupted("ask"));
  const question = await session.question();
  const denied = await session.post("/approve", { call_id: question["call_id"], decision: "deny" });
  assert.match(denied.json.content, /Denied by a person over the API; an earlier run .* may have taken effect/);
  assert.equal(await session.written("file"), "x\n");
});

test("a tool that is declared idempotent runs again with the same key, and nobody is asked", async (t) => {
  const command = 'echo "$DURAGENT_IDEMPOTENCY_KEY $DURAGENT_CALL_ID" >> keys; [ $(wc -l < keys) -gt 1 ] || sleep 60';
  const session = await killedInTheMiddle(
    t,
    {
      spec: { tools: [{ type: "cli", name: "note", command, effect: "idempotent" }] },
      rules: [
        { when: "^run", tool: { name: "note", arguments: {} } },
        { when: ".*", say: "done" },
      ],
    },
    "keys",
  );
  const events = await session.afterTurns(1);
  const [first, second, ...more] = (await session.written("keys")).trim().split("\n");
  assert.ok(first);
  assert.deepEqual([second, more], [first, []]);
  assert.deepEqual(
    eventsOf(events, "tool_start").map(({ attempt, idempotency_key }) => [attempt, idempotency_key]),
    [1, 2].map((attempt) => [attempt, first.split(" ")[0]]),
  );
});
