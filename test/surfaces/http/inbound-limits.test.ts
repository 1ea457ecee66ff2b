import assert from "node:assert/strict";
import { test } from "node:test";

import { ask, startHttp, type HttpHarness } from "../../support/http-harness.ts";
import { eventsOf, eventually, newSession } from "../../support/runtime-harness.ts";
import { openTestStore } from "../../support/test-store.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";
import type { Limits } from "../../../src/schema/limits.ts";
import type { SessionId } from "../../../src/schema/ids.ts";

const send = (http: HttpHarness, id: SessionId, json: object, headers = {}) =>
  ask(http, { path: `/api/v1/sessions/${id}/messages`, json: { content: "hi", ...json }, headers });

test("a sender's messages beyond a minute's are refused with a time, and nothing of them is written", async (t) => {
  const clock = createVirtualClock();
  const limits: Limits = { inbound: { per_sender_per_minute: 2 } };
  const http = await startHttp(t, { runtime: { store: await openTestStore(t, clock), clock, limits } });
  const id = await newSession(http, "continue");
  const key = { "idempotency-key": "first" };
  const first = await send(http, id, { sender_id: "eve" }, key);
  assert.equal(first.status, 200);
  assert.equal((await send(http, id, { sender_id: "eve" })).status, 200);
  const before = await eventsOf(http, id);
  const refused = await send(http, id, { sender_id: "eve" });
  assert.equal(refused.status, 429);
  assert.equal(refused.json.type, "urn:duragent:problem:rate-limited");
  assert.equal(refused.headers["retry-after"], "60");
  assert.match(
    refused.json.detail,
    /2 messages within a minute, all that limits\.inbound\.per_sender_per_minute of duragent\.yaml allows/,
  );
  assert.deepEqual(await eventsOf(http, id), before);

  const repeated = await send(http, id, { sender_id: "eve" }, key);
  assert.deepEqual([repeated.status, repeated.json], [200, first.json], "what was accepted before is answered");
  assert.equal((await send(http, id, { sender_id: "bob" })).status, 200);
  assert.equal((await send(http, id, {})).status, 200, "who has no name is not counted");
  limits.inbound = { per_sender_per_minute: 3 };
  assert.equal((await send(http, id, { sender_id: "eve" })).status, 200, "a changed limit holds at once");
  assert.equal((await send(http, id, { sender_id: "eve" })).status, 429);
  clock.advance(60_000);
  assert.equal((await send(http, id, { sender_id: "eve" })).status, 200);
});

test("an agent may take less of a sender than the server", async (t) => {
  const agentLimits = { inbound: { per_sender_per_minute: 1 } };
  const http = await startHttp(t, { runtime: { agentLimits, limits: { inbound: { per_sender_per_minute: 9 } } } });
  const id = await newSession(http, "continue");
  assert.equal((await send(http, id, { sender_id: "eve" })).status, 200);
  const refused = await send(http, id, { sender_id: "eve" });
  assert.equal(refused.status, 429);
  assert.match(refused.json.detail, /of the agent tester/);
});

test("a message that is refused does not set a paused session going", async (t) => {
  const http = await startHttp(t, { runtime: { limits: { inbound: { per_sender_per_minute: 1 } } } });
  const id = await newSession(http, "pause");
  await http.sessions.send(id, { content: "waits for a client", source: "http", senderId: "eve" });
  await eventually(http, id, (event) => event.type === "status_change" && event.to === "paused");
  const before = await eventsOf(http, id);
  assert.equal((await send(http, id, { sender_id: "eve" })).status, 429);
  const stream = { path: `/api/v1/sessions/${id}/stream`, json: { content: "hi", sender_id: "eve" } };
  assert.equal((await ask(http, stream)).status, 429);
  assert.deepEqual(await eventsOf(http, id), before);
  assert.equal(http.model.requests.length, 0);
});

test("a client that asks for too much gets 429 on whatever changes something, and may go on reading", async (t) => {
  const limits = { inbound: { per_client_per_minute: 3 } };
  const http = await startHttp(t, { runtime: { limits } });
  const create = () => ask(http, { path: "/api/v1/sessions", json: { agent: "tester" } });
  const created = await create();
  assert.equal(created.status, 201);
  const id: SessionId = created.json.session_id;
  assert.equal((await send(http, id, {})).status, 200);
  assert.equal((await send(http, id, {}, { "x-forwarded-for": "1.2.3.4" })).status, 200);
  const before = await eventsOf(http, id);
  const session = `/api/v1/sessions/${id}`;
  const asked = [
    create(),
    send(http, id, {}, { "x-forwarded-for": "5.6.7.8" }),
    ask(http, { path: `${session}/stream`, json: { content: "hi" } }),
    ask(http, { path: `${session}/approve`, json: { call_id: "c", decision: "deny" } }),
    ask(http, { path: `${session}/fork`, json: {} }),
  ];
  for (const told of await Promise.all(asked)) {
    assert.equal(told.status, 429);
    assert.match(told.headers["retry-after"] ?? "", /^\d+$/);
    assert.match(told.json.detail, /limits\.inbound\.per_client_per_minute/);
  }
  assert.deepEqual(await eventsOf(http, id), before);
  assert.equal((await ask(http, { path: session })).status, 200);
  assert.equal((await ask(http, { path: `${session}/cancel`, json: {} })).status, 409, "stopping is never limited");
});
