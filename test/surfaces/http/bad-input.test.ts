import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";

import { routes } from "../../../src/surfaces/http/routes/registry.ts";
import { ask, startHttp, type HttpHarness, type Question, type Told } from "../../support/http-harness.ts";
import { eventsOf, newSession } from "../../support/runtime-harness.ts";
import type { SessionId } from "../../../src/schema/ids.ts";

/** Asks, and holds that nothing was written: the log has the same bytes before and after. */
async function refused(http: HttpHarness, id: SessionId, question: Question, status: number): Promise<Told> {
  const bytes = async () => Buffer.concat(await Array.fromAsync(http.sessions.exportLog(id))).toString();
  const before = await bytes();
  const told = await ask(http, question);
  assert.equal(told.status, status, `${question.method ?? ""} ${question.path}: ${told.text}`);
  assert.equal(told.headers["content-type"], "application/problem+json");
  assert.equal(told.json.status, status);
  assert.equal(told.json.instance, told.headers["x-request-id"]);
  assert.ok(told.json.detail.length > 0);
  assert.doesNotMatch(told.text, /\bat .*\.ts:\d|node_modules/);
  assert.equal(await bytes(), before);
  return told;
}

const at = (path: string, id: string) => path.replace(":id", id).replace(":name", "tester").replace(":asset", "x");
const posts = routes.filter(({ method }) => method === "POST" || method === "DELETE");

test("what is wrong with a body is said in words for people", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  const path = `/api/v1/sessions/${id}/messages`;
  const wrong: [body: unknown, detail: RegExp][] = [
    [{ content: 1 }, /content expected text, found a/],
    [{}, /content is missing; expected text/],
    [{ content: "" }, /content must not be empty/],
  ];
  for (const [json, detail] of wrong)
    assert.match((await refused(http, id, { method: "POST", path, json }, 400)).json.detail, detail);
});

test("every route that changes something refuses a body of another type, size, depth or shape", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  for (const { method, path, body, bodyOptional, media } of posts) {
    await t.test(`${method} ${path}`, async () => {
      const question = (content: string | Uint8Array, type = "application/json"): Question => ({
        method,
        path: at(path, id),
        body: content,
        headers: { "content-type": type },
      });
      for (const type of [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/json; charset=latin1",
        "application/jsonx",
      ]) {
        await refused(http, id, question("{}", type), 415);
      }
      await refused(http, id, { ...question("{}"), headers: {} }, 415);
      await refused(
        http,
        id,
        { ...question("{}"), headers: { "content-type": "application/json", "content-encoding": "gzip" } },
        415,
      );
      if (body !== undefined && !bodyOptional) await refused(http, id, { method, path: at(path, id) }, 400);
      // What is in a definition or a package has tests of its own.
      if (media !== undefined) return;
      await refused(http, id, question(`{"content":"${"x".repeat(3_000_000)}"}`), 413);
      const deep = await refused(http, id, question("[".repeat(100) + "]".repeat(100)), 400);
      assert.match(deep.json.detail, /deeper than 64 levels \(line 1, column 65\)/);
      const unknown = await refused(http, id, question('{"surely_unknown":1}'), 400);
      assert.ok(unknown.json.errors.some((error: { path: string }) => error.path === "surely_unknown"));
      await refused(http, id, question("[]"), 400);
      const malformed = await refused(http, id, question('{"content":\n x}'), 400);
      assert.match(malformed.json.detail, /not JSON \(line 2, column 2\)/);
      await refused(http, id, question(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), 400);
      const twice = await refused(http, id, question('{"a":1,"\\u0061":2}'), 400);
      assert.match(twice.json.detail, /a second time/);
    });
  }
});

test("every route with an id refuses what is no id before it looks for it", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  for (const route of routes.filter(({ path }) => path.includes(":id") || path.includes(":name"))) {
    await t.test(`${route.method} ${route.path}`, async () => {
      for (const wrong of [
        "..%2f..%2fetc",
        "%00",
        "a%00b",
        "session_1",
        `${id}%0a`,
        "%ff",
        "session_01arz3ndektsv4rrffq69g5fav",
        "x".repeat(5_000),
        "%F0%9F%98%80",
      ]) {
        const path = route.path.replace(/:(id|name)/, wrong);
        const isName = route.path.includes(":name") && wrong.startsWith("session_") && !wrong.includes("%");
        if (isName) continue;
        await refused(http, id, { method: route.method, path, ...(route.body === undefined ? {} : { json: {} }) }, 400);
      }
    });
  }
});

test("every route refuses a query parameter that it does not know", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  for (const route of routes) {
    const path = `${at(route.path, id)}?surely_unknown=1`;
    const told = await refused(http, id, { method: route.method, path }, 400);
    assert.equal(told.json.errors[0].path, "surely_unknown", path);
  }
});

const badQueries = [
  ...["0", "-1", "abc", "1e9", "1.5", "", "%201", "99999999999999999999"].flatMap((limit) => [
    `/api/v1/sessions?limit=${limit}`,
    `/api/v1/sessions/ID/messages?limit=${limit}`,
    `/api/v1/sessions/ID/events?limit=${limit}`,
  ]),
  "/api/v1/sessions?status=completed",
  "/api/v1/sessions?limit=1&limit=2",
  "/api/v1/sessions?label.a=1&label.a=2",
  "/api/v1/sessions?labels=a",
  "/api/v1/sessions?label.%00=1",
  "/api/v1/sessions?label.__proto__=1",
  "/api/v1/sessions?__proto__=1",
  "/api/v1/sessions?agent=..%2f",
  "/api/v1/sessions/ID/events?after=-1",
  "/api/v1/sessions/ID/events?after=1.2",
  "/api/v1/sessions/ID/events?after=99",
  "/api/v1/sessions/ID/events?after=now",
  "/api/v1/sessions/ID/events?follow=maybe",
  "/api/v1/sessions/ID/export?format=pdf",
  "/api/v1/sessions/ID/messages?before=0",
];

test("query values are read strictly", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  for (const query of badQueries) await refused(http, id, { path: query.replace("ID", id) }, 400);
});

const badBodies: [path: string, json: unknown, errors: string[]][] = [
  ["/messages", { content: 1 }, ["content"]],
  ["/messages", { content: "" }, ["content"]],
  ["/messages", { content: "a", delivery: "now", sender_id: "", extra: 1 }, ["delivery", "sender_id", "extra"]],
  ["/messages", { content: "a", sender_name: "a\u0000b" }, ["sender_name"]],
  ["/messages", { content: "a", sender_id: "a\ud800" }, ["sender_id"]],
  ["/stream", {}, ["content"]],
  ["/approve", { call_id: "c", decision: "maybe" }, ["decision"]],
  ["/approve", { call_id: "c", decision: "deny", approval_id: "appr_1" }, ["approval_id"]],
  ["/attach", { ttl_seconds: 0 }, ["ttl_seconds"]],
  ["/fork", { at_seq: 1.5 }, ["at_seq"]],
  ["", { agent: "a", agent_spec: {} }, ["agent"]],
  ["", {}, ["agent"]],
  ["", { agent: "tester", session_id: "session_x", labels: { "a b": "c" } }, ["session_id", "labels.a b"]],
];

test("all that is wrong with a body is told at once, with its place", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  for (const [path, json, errors] of badBodies) {
    const where = path === "" ? "/api/v1/sessions" : `/api/v1/sessions/${id}${path}`;
    const told = await refused(http, id, { path: where, json }, 400);
    assert.equal(told.json.type, "urn:duragent:problem:bad-request");
    assert.deepEqual(told.json.errors.map((error: { path: string }) => error.path).toSorted(), errors.toSorted());
  }
});

test("an idempotency key that is none is refused", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  for (const key of ["", "a b", "x".repeat(129)]) {
    await refused(
      http,
      id,
      { path: `/api/v1/sessions/${id}/messages`, json: { content: "a" }, headers: { "idempotency-key": key } },
      400,
    );
  }
});

test("NUL and lone surrogates in text become U+FFFD", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  const body = '{"content":"a\\u0000b\\ud800c"}';
  const told = await ask(http, {
    path: `/api/v1/sessions/${id}/messages`,
    body,
    headers: { "content-type": "application/json" },
  });
  assert.equal(told.status, 200);
  const message = (await eventsOf(http, id)).find((event) => event.type === "user_message");
  assert.equal(message?.content, "a\ufffdb\ufffdc");
});

test("a body without a length is cut off at the limit", async (t) => {
  const http = await startHttp(t, { limits: { bodyBytes: 1_000 } });
  const id = await newSession(http);
  const socket = connect(http.port, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.write(
    `POST /api/v1/sessions/${id}/messages HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
  );
  socket.write(`800\r\n${"x".repeat(0x800)}\r\n`);
  let text = "";
  for await (const chunk of socket) {
    text += String(chunk);
    if (text.includes("too-large")) break;
  }
  assert.match(text, /^HTTP\/1\.1 413 /);
  assert.match(text, /connection: close/i);
});

test("what is no HTTP is answered with a problem document", async (t) => {
  const http = await startHttp(t);
  for (const [sent, status] of [
    ["NONSENSE\r\n\r\n", 400],
    [`GET / HTTP/1.1\r\nhost: localhost\r\nx: ${"y".repeat(20_000)}\r\n\r\n`, 431],
    ["GET /api/v1/sessions HTTP/1.1\r\nhost: a/b\r\n\r\n", 400],
    ["GET /\\..\\x HTTP/1.1\r\nhost: localhost\r\n\r\n", 400],
  ] as const) {
    const socket = connect(http.port, "127.0.0.1");
    socket.end(sent);
    const text = Buffer.concat(await Array.fromAsync(socket)).toString();
    assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `), sent.slice(0, 40));
    assert.match(text, /application\/problem\+json/, sent.slice(0, 40));
  }
});

test("a path that does not exist is 404, a method that it does not have 405 with the ones it has", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  for (const path of [
    "/nothing",
    "/api/v1/nothing",
    "/api",
    "/api/v1/sessions/",
    "/docs/../etc",
    "/docs/package.json",
    "/docs/..%2fpackage.json",
  ]) {
    const told = await refused(http, id, { path }, 404);
    assert.equal(told.json.type, "urn:duragent:problem:not-found");
  }
  const put = await refused(http, id, { method: "PUT", path: "/api/v1/sessions", json: {} }, 405);
  assert.equal(put.headers.allow, "GET, HEAD, POST");
  const get = await refused(http, id, { method: "GET", path: `/api/v1/sessions/${id}/cancel` }, 405);
  assert.equal(get.headers.allow, "POST");
});

test("a session that never was is 404, one that was deleted 410", async (t) => {
  const http = await startHttp(t);
  const [id, gone] = [await newSession(http), await newSession(http)];
  assert.equal((await ask(http, { method: "DELETE", path: `/api/v1/sessions/${gone}` })).status, 204);
  for (const path of ["", "/messages", "/events", "/export"]) {
    const never = await refused(http, id, { path: `/api/v1/sessions/session_01ARZ3NDEKTSV4RRFFQ69G5FAV${path}` }, 404);
    assert.equal(never.json.type, "urn:duragent:problem:session-not-found");
    const ended = await refused(http, id, { path: `/api/v1/sessions/${gone}${path}` }, 410);
    assert.equal(ended.json.type, "urn:duragent:problem:session-ended");
  }
  assert.equal(
    (await refused(http, id, { path: `/api/v1/sessions/${gone}/messages`, json: { content: "a" } }, 410)).json.title,
    "Session Ended",
  );
  assert.equal(
    (await refused(http, id, { path: `/api/v1/sessions`, json: { agent: "nobody" } }, 404)).json.type,
    "urn:duragent:problem:agent-not-found",
  );
});
