import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { siblingSessions } from "../../src/runtime/agent-sessions.ts";
import type { SessionId } from "../../src/schema/ids.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { eventsOf, eventually, harness, newSession } from "../support/runtime-harness.ts";
import { openTestStore } from "../support/test-store.ts";

async function world(t: TestContext) {
  const running = harness({ store: await openTestStore(t) });
  const clock = new ManualClock();
  const siblings = siblingSessions(running.sessions, { clock, digest: running.parts.digest });
  const [from, to] = [await newSession(running), await newSession(running)];
  const send = (key: string, more: { agent?: string; to?: SessionId; content?: string } = {}) =>
    siblings.send(more.to ?? to, {
      agent: more.agent ?? "tester",
      from,
      content: more.content ?? "hello",
      idempotencyKey: key,
    });
  const sentTo = async (id: SessionId) =>
    (await eventsOf(running, id)).filter((event) => event.type === "user_message");
  return { running, clock, siblings, from, to, send, sentTo };
}

test("a message to a sibling says who sent it, and is worked on without a client", async (t) => {
  const { running, from, to, send, sentTo } = await world(t);
  const { messageId } = await send("k");
  const [message] = await sentTo(to);
  assert.deepEqual([message?.message_id, message?.source, message?.unattended], [messageId, `session:${from}`, true]);
  assert.equal(message?.content, `Message from your session ${from}:\n\nhello`);
  assert.equal(message?.may_decide, undefined);
  await eventually(running, to, (event) => event.type === "turn_end");
});

test("the same key again sends nothing new, also after a restart", async (t) => {
  const { running, to, from, send, sentTo, clock } = await world(t);
  const first = await send("k");
  assert.deepEqual(await send("k"), first);
  const restarted = siblingSessions(running.sessions, { clock, digest: running.parts.digest });
  const again = { agent: "tester", from, content: "hello", idempotencyKey: "k" };
  assert.deepEqual(await restarted.send(to, again), first);
  assert.equal((await sentTo(to)).length, 1);
});

test("a session of another agent is as one that is not there", async (t) => {
  const { send, to, sentTo } = await world(t);
  await assert.rejects(send("k", { agent: "other" }), {
    code: "session-not-found",
    message: `there is no session ${to}`,
  });
  const nobody = "session_01KADQ8K3T9V6Z2M4N5P7R8S9T" as SessionId;
  await assert.rejects(send("l", { to: nobody }), {
    code: "session-not-found",
    message: `there is no session ${nobody}`,
  });
  assert.deepEqual(await sentTo(to), []);
});

test("a session that has ended takes no message", async (t) => {
  const { running, send, to } = await world(t);
  await running.sessions.control(to, { action: "end", by: "test", attached: false });
  await assert.rejects(send("k"), { code: "session-ended" });
});

test("ten messages a minute go out from one session, whatever is sent at once", async (t) => {
  const { send, sentTo, to, clock } = await world(t);
  const all = await Promise.allSettled(Array.from({ length: 15 }, (_, index) => send(`k${index}`)));
  assert.equal(all.filter((one) => one.status === "fulfilled").length, 10);
  await assert.rejects(send("late"), { code: "rate-limited", message: /10 messages.*within a minute/ });
  await send("k3");
  assert.equal((await sentTo(to)).length, 10);
  clock.advance(60_001);
  await send("late");
  assert.equal((await sentTo(to)).length, 11);
});

test("the list has the agent's open sessions, the one last used first", async (t) => {
  const { running, siblings, from, to, send } = await world(t);
  const ended = await newSession(running);
  await running.sessions.control(ended, { action: "end", by: "test", attached: false });
  await send("k", { to: from });
  await eventually(running, from, (event) => event.type === "turn_end");
  const found = await siblings.list("tester", 10);
  assert.deepEqual(
    found.map(({ sessionId }) => sessionId),
    [from, to],
  );
  assert.match(found[0]?.title ?? "", /^Message from your session/);
  assert.deepEqual(await siblings.list("other", 10), []);
  assert.equal((await siblings.list("tester", 1)).length, 1);
});
