import assert from "node:assert/strict";
import { test } from "node:test";

import { ModelFailure } from "../../../src/ports/model.ts";
import type { Tool } from "../../../src/ports/tool.ts";
import { gate } from "../../support/fake-model.ts";
import { ask, openRequest, startHttp, type HttpHarness } from "../../support/http-harness.ts";
import { eventsOf, eventually, newSession, typesOf } from "../../support/runtime-harness.ts";
import type { SessionId } from "../../../src/schema/ids.ts";

const messages = (id: SessionId) => `/api/v1/sessions/${id}/messages`;
const send = (http: HttpHarness, id: SessionId, content: string, headers = {}) =>
  ask(http, { path: messages(id), json: { content }, headers });

const tool: Tool = {
  definition: { name: "npm", description: "Runs npm", parameters: {} },
  effect: "unsafe",
  fault: () => null,
  describe: () => ({ type: "cli", text: "npm i" }),
  run: async () => ({ success: true, content: "done", outcome: "ok" }),
};
const asking = { runtime: { tools: [tool], policy: () => ({ policy: "ask", denial: null }) as const } };
const call = { call_id: "call_1", tool_name: "npm", arguments: {} };

test("a message is answered with its turn", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  const told = await send(http, id, "hello");
  assert.equal(told.status, 200);
  const { message_id: messageId, turn_id: turnId, ...rest } = told.json;
  assert.match(messageId, /^msg_/);
  assert.match(turnId, /^turn_/);
  assert.deepEqual(rest, {
    role: "assistant",
    content: "echo: hello",
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
    outcome: "completed",
    finish_reason: "end",
  });
});

test("a message from HTTP says where it came from, that its sender may decide, and its trace", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  await send(http, id, "hello", { traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01` });
  const events = await eventsOf(http, id);
  const message = events.find((event) => event.type === "user_message");
  assert.equal(message?.source, "http");
  assert.equal(message?.may_decide, true);
  assert.equal(message?.unattended, undefined);
  assert.equal(events.find((event) => event.type === "turn_start")?.trace_id, "a".repeat(32));
});

test("who prefers not to wait is answered once the message is durable, and the turn runs unattended", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  const told = await send(http, id, "hello", { prefer: "wait=1, respond-async" });
  assert.equal(told.status, 202);
  assert.deepEqual(Object.keys(told.json), ["message_id", "seq"]);
  assert.equal(told.headers["preference-applied"], "respond-async");
  await eventually(http, id, (event) => event.type === "turn_end");
  assert.equal((await eventsOf(http, id)).find((event) => event.type === "user_message")?.unattended, true);
});

test("a turn that fails is 502 with the provider's words and its id", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  http.model.reply({ fail: new ModelFailure("the model is on holiday", { status: 400, retryable: false }) });
  const told = await send(http, id, "hello");
  assert.equal(told.status, 502);
  assert.equal(told.json.type, "urn:duragent:problem:provider-error");
  assert.match(told.json.detail, /on holiday/);
  assert.match(told.json.turn_id, /^turn_/);
});

test("a turn that takes too long goes on by itself: 202 running", async (t) => {
  const http = await startHttp(t, { limits: { requestTimeoutMs: 20 } });
  const id = await newSession(http);
  const hold = gate();
  http.model.reply({ text: ["slow"], hold: hold.opened });
  const told = await send(http, id, "hello");
  assert.equal(told.status, 202);
  assert.equal(told.json.status, "running");
  assert.match(told.json.turn_id, /^turn_/);
  hold.open();
});

test("a client that hangs up has detached, and in continue mode its turn goes on", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http, "continue");
  const hold = gate();
  http.model.reply({ text: ["late"], hold: hold.opened });
  const holding = http.model.holding();
  const hangUp = new AbortController();
  const hung = openRequest(http, { path: messages(id), json: { content: "hello" } }, hangUp.signal);
  hung.catch(() => {});
  await holding;
  hangUp.abort();
  await eventually(http, id, (event) => event.type === "status_change" && event.to === "running");
  assert.equal((await http.sessions.get(id)).attachedClients, 0);
  hold.open();
  await eventually(http, id, (event) => event.type === "turn_end");
});

test("in pause mode the step is finished, the session pauses, and goes on when someone attaches", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http, "pause");
  const hold = gate();
  http.model.reply({ text: ["step"], calls: [call], hold: hold.opened });
  const holding = http.model.holding();
  const hangUp = new AbortController();
  const hung = openRequest(http, { path: messages(id), json: { content: "hello" } }, hangUp.signal);
  hung.catch(() => {});
  await holding;
  hangUp.abort();
  while ((await http.sessions.get(id)).attachedClients > 0) await new Promise((resolve) => setImmediate(resolve));
  hold.open();
  await eventually(http, id, (event) => event.type === "status_change" && event.to === "paused");
  assert.ok((await typesOf(http, id)).includes("assistant_response"));
  const told = await ask(http, { path: `/api/v1/sessions/${id}/attach`, json: { client_id: "me", ttl_seconds: 30 } });
  assert.equal(told.status, 200);
  assert.equal(told.json.client_id, "me");
  assert.ok(Date.parse(told.json.expires_at) > Date.now());
  await eventually(http, id, (event) => event.type === "turn_end");
  assert.equal((await ask(http, { path: `/api/v1/sessions/${id}/detach`, json: { client_id: "me" } })).status, 200);
});

test("a call that must be approved is 202, and its approval waits for the answer", async (t) => {
  const http = await startHttp(t, asking);
  const id = await newSession(http);
  http.model.reply({ calls: [call] });
  http.model.reply({ text: ["installed"] });
  const told = await send(http, id, "install");
  assert.equal(told.status, 202);
  assert.deepEqual(
    { ...told.json, approval_id: "" },
    { session_id: id, call_id: "call_1", command: "npm {}", approval_id: "", status: "pending_approval" },
  );
  const view = await ask(http, { path: `/api/v1/sessions/${id}` });
  assert.equal(view.json.pending_approvals[0].approval_id, told.json.approval_id);
  assert.equal(view.json.activity, "awaiting_approval");
  const approve = (json: object) =>
    ask(http, { path: `/api/v1/sessions/${id}/approve`, json: { call_id: "call_1", ...json } });
  assert.equal((await approve({ decision: "allow_once", command: "rm -rf /" })).status, 409);
  const done = await approve({ decision: "allow_once" });
  assert.equal(done.status, 200);
  assert.deepEqual({ ...done.json, message_id: "" }, { status: "complete", message_id: "", content: "installed" });
  const again = await approve({ decision: "allow_once" });
  assert.deepEqual([again.status, again.json], [200, done.json]);
  assert.equal((await approve({ decision: "deny" })).status, 409);
});

test("an approval of what was never asked is 404 in the words that clients know", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  const told = await ask(http, { path: `/api/v1/sessions/${id}/approve`, json: { call_id: "x", decision: "deny" } });
  assert.equal(told.status, 404);
  assert.equal(told.json.detail, "no pending approval for this session");
});

test("a repeated key replays the same answer; with another content it is a conflict", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  const first = await send(http, id, "hello", { "idempotency-key": "k" });
  const again = await send(http, id, "hello", { "idempotency-key": "k" });
  assert.deepEqual(again.json, first.json);
  assert.equal((await send(http, id, "other", { "idempotency-key": "k" })).status, 409);
  assert.equal(http.model.requests.length, 1);
});

test("messages are listed oldest first, the newest of them with a limit", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  await send(http, id, "one");
  await send(http, id, "two");
  const contents = async (query: string) =>
    (await ask(http, { path: `${messages(id)}${query}` })).json.messages.map(
      (message: { content: string }) => message.content,
    );
  assert.deepEqual(await contents(""), ["one", "echo: one", "two", "echo: two"]);
  assert.deepEqual(await contents("?limit=2"), ["two", "echo: two"]);
});

test("a message to an ended session is 410", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  assert.equal((await ask(http, { path: `/api/v1/sessions/${id}/end`, json: { reason: "enough" } })).status, 200);
  const told = await send(http, id, "hello");
  assert.equal(told.status, 410);
});
