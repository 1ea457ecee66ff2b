import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { test } from "node:test";

import { ask, openStream, startHttp } from "../../support/http-harness.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { newSession } from "../../support/runtime-harness.ts";
import { until } from "../../support/until.ts";

const sse = { accept: "text/event-stream" };
const turns = (count = 1) =>
  new Promise<void>((resolve) => (count === 0 ? resolve() : setImmediate(() => void turns(count - 1).then(resolve))));

test("silence is broken by a comment", async (t) => {
  const clock = new ManualClock();
  const http = await startHttp(t, { runtime: { clock } });
  const id = await newSession(http);
  const stream = await openStream(http, { path: `/api/v1/sessions/${id}/events`, headers: sse });
  await stream.until("event: ready");
  clock.advance(15_000);
  assert.match(await stream.until("keep-alive"), /\n\n: keep-alive\n\n$/);
  stream.close();
});

test("past max_streams there is no place until one is free", async (t) => {
  const http = await startHttp(t, { limits: { streams: 1 } });
  const [id, other] = [await newSession(http), await newSession(http)];
  const path = (one: string) => `/api/v1/sessions/${one}/events`;
  const first = await openStream(http, { path: path(id), headers: sse });
  const told = await ask(http, { path: path(other), headers: sse });
  assert.equal(told.status, 503);
  assert.equal(told.json.type, "urn:duragent:problem:overloaded");
  assert.equal(told.headers["retry-after"], "5");
  first.close();
  for (;;) {
    const stream = await openStream(http, { path: path(other), headers: sse });
    stream.close();
    if (stream.status === 200) break;
  }
});

test("past max_streams_per_session others still get in", async (t) => {
  const http = await startHttp(t, { limits: { streamsPerSession: 1 } });
  const [id, other] = [await newSession(http), await newSession(http)];
  const first = await openStream(http, { path: `/api/v1/sessions/${id}/events`, headers: sse });
  const told = await ask(http, { path: `/api/v1/sessions/${id}/events`, headers: sse });
  assert.equal(told.status, 429);
  assert.equal(told.json.type, "urn:duragent:problem:rate-limited");
  const second = await openStream(http, { path: `/api/v1/sessions/${other}/events`, headers: sse });
  assert.equal(second.status, 200);
  first.close();
  second.close();
});

test("a stream that is refused gives its place back", async (t) => {
  const http = await startHttp(t, { limits: { streams: 1 } });
  const id = await newSession(http);
  for (let attempt = 0; attempt < 3; attempt++) {
    assert.equal(
      (
        await ask(http, {
          path: `/api/v1/sessions/${id}/stream`,
          json: { content: "a" },
          headers: { "idempotency-key": "x".repeat(200) },
        })
      ).status,
      400,
    );
    assert.equal(
      (await ask(http, { path: "/api/v1/sessions/session_01ARZ3NDEKTSV4RRFFQ69G5FAV/stream", json: { content: "a" } }))
        .status,
      404,
    );
  }
  const stream = await openStream(http, { path: `/api/v1/sessions/${id}/events`, headers: sse });
  assert.equal(stream.status, 200);
  stream.close();
});

test("past max_connections the answer is 503", async (t) => {
  const http = await startHttp(t, { maxConnections: 1 });
  const held: Socket = connect(http.port, "127.0.0.1");
  t.after(() => held.destroy());
  await new Promise<void>((resolve) => held.once("connect", resolve));
  const told = await ask(http, { path: "/livez" });
  assert.equal(told.status, 503);
  assert.equal(told.json.type, "urn:duragent:problem:overloaded");
  assert.equal(told.headers.connection, "close");
});

test("a client that takes nothing is cut off after a minute, and others do not notice", async (t) => {
  const clock = new ManualClock();
  const http = await startHttp(t, { runtime: { clock } });
  const id = await newSession(http);
  const lazy = connect(http.port, "127.0.0.1");
  t.after(() => lazy.destroy());
  lazy.on("error", () => {});
  lazy.write(`GET /api/v1/sessions/${id}/events HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n`);
  await new Promise<void>((resolve) => lazy.once("readable", resolve));
  lazy.pause();
  const keen = await openStream(http, { path: `/api/v1/sessions/${id}/events?after=now`, headers: sse });
  await keen.until("event: ready");
  const content = "x".repeat(1_500_000);
  for (let message = 0; message < 8; message++) {
    const { messageId } = await http.sessions.send(id, { content, source: "http", unattended: true });
    await http.sessions.answer(id, messageId, { timeoutMs: 60_000, signal: new AbortController().signal });
  }
  assert.equal((await http.sessions.get(id)).attachedClients, 2);
  // Written to until its buffers are full; then the clock goes on, and nothing moves.
  for (let tick = 0; tick < 40; tick++) {
    clock.advance(3_750);
    await turns(3);
  }
  await until("one client left", async () => (await http.sessions.get(id)).attachedClients === 1);
  assert.match(keen.text(), /event: turn_end/);
  keen.close();
});

test("closing waits for what is open, and cuts it when its time is over", async (t) => {
  const http = await startHttp(t);
  const idle = connect(http.port, "127.0.0.1");
  t.after(() => idle.destroy());
  idle.on("error", () => {});
  idle.write("GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n");
  await new Promise<void>((resolve) => idle.once("data", () => resolve()));
  const half = connect(http.port, "127.0.0.1");
  t.after(() => half.destroy());
  half.on("error", () => {});
  half.write(
    "POST /api/v1/sessions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{",
  );
  while (http.listener.openRequests() === 0) await turns();
  await http.listener.close("test", 20);
});
