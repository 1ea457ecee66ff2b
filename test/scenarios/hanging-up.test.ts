import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { ask, openRequest } from "../support/http-harness.ts";
import { mockAgent } from "../support/mock-agent.ts";
import { startMockProvider, type MockReply } from "../support/mock-provider.ts";
import { ServerProcess } from "../support/server-process.ts";
import { StreamClient } from "../support/stream-client.ts";

test("who hangs up in the middle of POST messages finds the answer in the log later, in continue mode", async (t) => {
  const { server, provider, sessionId, reply, onlooker } = await hungUp(t, "continue", {
    chunks: ["one ", "two ", "three"],
    held: true,
  });
  reply.release();
  await onlooker.untilType("turn_end");
  const { json } = await ask(server.place, { path: `/api/v1/sessions/${sessionId}/messages` });
  assert.deepEqual(
    json.messages.map((message: { content: string }) => message.content),
    ["hello", "one two three"],
  );
  assert.equal(provider.requests.length, 1, "the call went on: it was not made again");
});

test("in pause mode the step in progress is finished, the session waits, and goes on when someone attaches", async (t) => {
  const { server, provider, sessionId, reply, onlooker } = await hungUp(t, "pause", {
    chunks: ["let ", "me ", "look"],
    toolCalls: [{ name: "bash", arguments: { command: "ls" } }],
    held: true,
  });
  reply.release();
  await onlooker.untilType("assistant_response");
  await onlooker.until(
    ({ durable }) => durable.some((event) => event.type === "status_change" && event.to === "paused"),
    "the pause",
  );
  const session = await ask(server.place, { path: `/api/v1/sessions/${sessionId}` });
  assert.equal(session.json.status, "paused");
  assert.equal(provider.requests.length, 1);

  provider.reply({ chunks: ["there is nothing"] });
  const client = new StreamClient(sessionId);
  await client.connect(server.place);
  await client.untilType("turn_end");
  const responses = client.durable.filter((event) => event.type === "assistant_response");
  assert.deepEqual(
    responses.map((event) => event.content),
    ["let me look", "there is nothing"],
  );
  assert.equal(provider.requests.length, 2);
});

/** Somebody sends a message, the response begins, and their connection is gone. */
async function hungUp(t: TestContext, onDisconnect: "continue" | "pause", answer: MockReply) {
  const provider = await startMockProvider();
  t.after(() => provider[Symbol.asyncDispose]());
  const server = await ServerProcess.start(t, mockAgent(provider, { onDisconnect }));
  const made = await ask(server.place, { path: "/api/v1/sessions", json: { agent: "mock" } });
  const sessionId = String(made.json.session_id);
  const onlooker = new StreamClient(sessionId, { attach: false });
  await onlooker.connect(server.place);
  const reply = provider.reply(answer);
  const hangUp = new AbortController();
  const message = { path: `/api/v1/sessions/${sessionId}/messages`, json: { content: "hello" } };
  const sending = assert.rejects(openRequest(server.place, message, hangUp.signal), { name: "AbortError" });
  await reply.arrived;
  await reply.next();
  await onlooker.until(({ running }) => running !== null, "the first piece");
  hangUp.abort();
  await sending;
  await untilNobodyIsAttached(server, sessionId);
  return { server, provider, sessionId, reply, onlooker };
}

async function untilNobodyIsAttached(server: ServerProcess, sessionId: string): Promise<void> {
  for (let attempt = 0; attempt < 1000; attempt += 1) {
    const { json } = await ask(server.place, { path: `/api/v1/sessions/${sessionId}` });
    if (json.attached_clients === 0) return;
  }
  assert.fail("whoever hung up is still attached");
}
