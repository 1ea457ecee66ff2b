import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { ask } from "../support/http-harness.ts";
import { mockAgent } from "../support/mock-agent.ts";
import { startMockProvider } from "../support/mock-provider.ts";
import { ServerProcess } from "../support/server-process.ts";
import { StreamClient } from "../support/stream-client.ts";

const chunks = ["Once ", "upon ", "a ", "time ", "there ", "was ", "a ", "log."];
const story = chunks.join("");

for (const dialect of ["anthropic", "openai"] as const) {
  test(
    `a response that kill -9 cut goes on by itself in continue mode (${dialect})`,
    { timeout: 60_000 },
    async (t) => {
      const { server, provider, sessionId, client } = await cutInTheMiddle(t, "continue", dialect);
      const again = provider.reply({ chunks });
      await server.start();
      // Before anybody has asked for the session: reading it would open it, too.
      await again.arrived;

      const onlooker = new StreamClient(sessionId, { attach: false });
      await onlooker.connect(server.place);
      await onlooker.untilType("turn_end");
      const session = await ask(server.place, { path: `/api/v1/sessions/${sessionId}` });
      assert.equal(session.json.attached_clients, 0, "nobody had to attach");

      await client.connect(server.place);
      await client.untilType("turn_end");
      assert.deepEqual(client.durable, onlooker.durable.slice(0, client.durable.length));
      assert.equal(textOf(client), story);
      assert.equal(provider.requests.length, 2);
    },
  );
}

test("in pause mode it waits after a kill -9 until a client attaches, and then goes on", async (t) => {
  const { server, provider, sessionId, client } = await cutInTheMiddle(t, "pause", "anthropic");
  provider.reply({ chunks });
  await server.start();

  const onlooker = new StreamClient(sessionId, { attach: false });
  await onlooker.connect(server.place);
  await onlooker.until(
    ({ durable }) => durable.some((event) => event.type === "status_change" && event.to === "paused"),
    "the pause",
  );
  const session = await ask(server.place, { path: `/api/v1/sessions/${sessionId}` });
  assert.equal(session.json.status, "paused");
  assert.equal(provider.requests.length, 1, "the model is not called while nobody is there");

  await client.connect(server.place);
  await client.untilType("turn_end");
  assert.equal(textOf(client), story);
  assert.ok(client.durable.some((event) => event.type === "status_change" && event.cause === "attach"));
  assert.equal(provider.requests.length, 2);
});

test("a response that kill -9 cut is streamed anew to a client that resumes in the middle of it", async (t) => {
  const { server, provider, client } = await cutInTheMiddle(t, "continue", "anthropic");
  const again = provider.reply({ chunks, held: true });
  await server.start();
  await client.connect(server.place);
  await again.arrived;
  for (let count = 0; count < 5; count += 1) await again.next();
  await client.until(({ running }) => running?.text === chunks.slice(0, 5).join(""), "the text from its beginning");
  assert.equal(client.resets, 1, "what was shown before is dropped");
  again.release();
  await client.untilType("turn_end");
  assert.equal(textOf(client), story);
});

/** A client has seen three pieces of a response and stored its place when the server dies. */
async function cutInTheMiddle(t: TestContext, onDisconnect: "continue" | "pause", dialect: "anthropic" | "openai") {
  const provider = await startMockProvider();
  t.after(() => provider[Symbol.asyncDispose]());
  const server = await ServerProcess.start(t, mockAgent(provider, { dialect, onDisconnect }));
  const made = await ask(server.place, { path: "/api/v1/sessions", json: { agent: "mock" } });
  const sessionId = String(made.json.session_id);
  const client = new StreamClient(sessionId);
  await client.connect(server.place);
  await client.until(({ isCaughtUp }) => isCaughtUp, "ready");
  const first = provider.reply({ chunks, held: true });
  const sending = ask(server.place, { path: `/api/v1/sessions/${sessionId}/messages`, json: { content: "tell" } });
  const broken = assert.rejects(sending, { code: "ECONNRESET" });
  await first.arrived;
  for (let count = 0; count < 3; count += 1) await first.next();
  await client.until(({ running }) => running?.text === "Once upon a ", "the text so far");
  await server.kill9();
  await broken;
  return { server, provider, sessionId, client };
}

function textOf({ durable }: StreamClient): string {
  return durable.flatMap((event) => (event.type === "assistant_response" ? [event.content] : [])).join("|");
}
