import assert from "node:assert/strict";
import { test } from "node:test";

import type { SessionId } from "../../../src/schema/ids.ts";
import { gate } from "../../support/fake-model.ts";
import { ask, openStream, startHttp, type HttpHarness } from "../../support/http-harness.ts";
import { eventsOf, eventually, newSession, typesOf } from "../../support/runtime-harness.ts";

const sse = { accept: "text/event-stream" };
const follow = (http: HttpHarness, id: SessionId, query = "", headers = {}) =>
  openStream(http, { path: `/api/v1/sessions/${id}/events${query}`, headers: { ...sse, ...headers } });
const send = (http: HttpHarness, id: SessionId, content: string) =>
  ask(http, { path: `/api/v1/sessions/${id}/messages`, json: { content } });
const seqs = (text: string) => [...text.matchAll(/^id: (\d+)\nevent: (?!token)/gm)].map((match) => Number(match[1]));

test("the past comes first, in the log's own words, then ready", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  await send(http, id, "hi");
  const stream = await follow(http, id);
  const text = await stream.until("event: ready");
  const events = await eventsOf(http, id);
  const epoch = events.findLast((event) => event.epoch !== undefined)?.epoch;
  const blocks = text.split("\n\n").filter((block) => block !== "");
  assert.equal(blocks.shift(), "retry: 1000");
  assert.equal(blocks.pop(), `event: ready\ndata: {"last_seq":5,"epoch":${epoch},"status":"active","activity":"idle"}`);
  const past = blocks.map((block) => /^id: (\d+)\nevent: (\w+)\ndata: (.*)$/.exec(block)?.slice(1));
  assert.deepEqual(
    past.map((parts) => [parts?.[0], parts?.[1], JSON.parse(parts?.[2] ?? "")]),
    events.map((event) => [`${event.seq}`, event.type, event]),
  );
  assert.equal(stream.headers["content-type"], "text/event-stream");
  assert.equal(stream.headers["cache-control"], "no-store");
  stream.close();
});

test("what happens then comes as it happens, tokens with their place in the response", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  const stream = await follow(http, id);
  await stream.until("event: ready");
  const hold = gate();
  http.model.reply({ text: ["Hel", "lo"], hold: hold.opened });
  const sent = send(http, id, "hi");
  const live = await stream.until(/event: token[^]*lo"/);
  const [, token] = /\nid: ([^\n]*)\nevent: token\ndata: (.*)\n/.exec(live)?.slice(1) ?? [];
  const data = JSON.parse(token ?? "");
  assert.deepEqual(Object.keys(data), ["turn_id", "message_id", "content", "offset"]);
  assert.match(
    /id: (\S+)\nevent: token/.exec(live)?.[1] ?? "",
    new RegExp(`^3\\.\\d+\\.${data.message_id.slice(-8)}$`),
  );
  hold.open();
  await sent;
  const whole = await stream.until("event: turn_end");
  assert.ok(whole.indexOf("event: token") < whole.indexOf("event: assistant_response"));
  stream.close();
});

test("after=SEQ, after=now and Last-Event-ID say where to begin; the header goes first", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  await send(http, id, "hi");
  const sent = async (query: string, headers = {}) => {
    const stream = await follow(http, id, query, headers);
    const text = await stream.until("event: ready");
    stream.close();
    return { seqs: seqs(text), resume: stream.headers["x-duragent-resume"] };
  };
  assert.deepEqual((await sent("")).seqs, [1, 2, 3, 4, 5]);
  assert.deepEqual((await sent("?after=3")).seqs, [4, 5]);
  assert.deepEqual((await sent("?after=3.10.ABCDEFGH")).seqs, [4, 5]);
  assert.deepEqual((await sent("?after=now")).seqs, []);
  assert.deepEqual(await sent("?after=1", { "last-event-id": "4" }), { seqs: [5], resume: undefined });
  assert.deepEqual(await sent("?after=3", { "last-event-id": "nonsense" }), { seqs: [4, 5], resume: "ignored" });
  assert.deepEqual(await sent("", { "last-event-id": "99" }), { seqs: [1, 2, 3, 4, 5], resume: "ignored" });
});

test("follow=false ends after ready and attaches nobody", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  const text = await (await follow(http, id, "?follow=false")).ended();
  assert.match(text, /^retry: 1000\n\nid: 1\nevent: session_start\n[^]*event: ready\ndata: .*\n\n$/);
});

test("a stream attaches while it is open; attach=false only watches", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  const clients = async () => (await http.sessions.get(id)).attachedClients;
  const watcher = await follow(http, id, "?attach=false");
  await watcher.until("event: ready");
  assert.equal(await clients(), 0);
  const stream = await follow(http, id);
  await stream.until("event: ready");
  assert.equal(await clients(), 1);
  stream.close();
  while ((await clients()) > 0) await new Promise((resolve) => setImmediate(resolve));
  watcher.close();
});

test("a HEAD neither streams nor attaches", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  const told = await ask(http, { method: "HEAD", path: `/api/v1/sessions/${id}/events`, headers: sse });
  assert.equal(told.status, 200);
  assert.equal(told.headers["content-type"], "application/json");
});

test("the stream of a session that ends, ends; a resume at its end is 204", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  const stream = await follow(http, id);
  await stream.until("event: ready");
  await ask(http, { method: "POST", path: `/api/v1/sessions/${id}/end` });
  assert.match(await stream.ended(), /event: session_end\ndata: .*\n\n$/);
  const last = (await eventsOf(http, id)).length;
  for (const [query, headers] of [
    ["", { "last-event-id": `${last}` }],
    [`?after=${last}`, {}],
    ["?after=now", {}],
  ] as const) {
    assert.equal(
      (await ask(http, { path: `/api/v1/sessions/${id}/events${query}`, headers: { ...sse, ...headers } })).status,
      204,
      query,
    );
  }
  const replay = await (await follow(http, id, "?after=1")).ended();
  assert.deepEqual(
    seqs(replay),
    Array.from({ length: last - 1 }, (_, index) => index + 2),
  );
});

test("as JSON the log comes in pages", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  await send(http, id, "hi");
  const page = await ask(http, {
    path: `/api/v1/sessions/${id}/events?after=1&limit=2`,
    headers: { accept: "application/json" },
  });
  assert.deepEqual(page.json.events, (await eventsOf(http, id)).slice(1, 3));
  assert.equal(page.json.last_seq, 5);
});

test("a draining server says bye, and refuses what comes new", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  const hold = gate();
  http.model.reply({ text: ["a"], hold: hold.opened });
  const stream = await follow(http, id);
  const turn = await openStream(http, { path: `/api/v1/sessions/${id}/stream`, json: { content: "hi" } });
  await turn.until("event: token");
  const waiting = send(http, id, "more");
  await eventually(http, id, (event) => event.type === "user_message" && event.content === "more");
  http.surface.drain("deploy");
  assert.match(await stream.ended(), /event: bye\ndata: \{"reason":"deploy","retry_ms":1000\}\n\n$/);
  assert.match(await turn.ended(), /event: error\ndata: \{"message":"draining"\}\n\n$/);
  assert.deepEqual([(await waiting).status, (await waiting).json.status], [202, "running"]);
  const late = await ask(http, { path: "/api/v1/sessions" });
  assert.equal(late.status, 503);
  assert.equal(late.json.type, "urn:duragent:problem:shutting-down");
  assert.ok(late.headers["retry-after"]);
  assert.equal((await ask(http, { path: "/readyz" })).status, 503);
  assert.equal((await ask(http, { path: "/livez" })).status, 200);
  hold.open();
  assert.ok((await typesOf(http, id)).includes("turn_start"));
});
