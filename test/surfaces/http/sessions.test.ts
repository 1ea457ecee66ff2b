import assert from "node:assert/strict";
import { test } from "node:test";

import { ask, startHttp } from "../../support/http-harness.ts";
import { newSession } from "../../support/runtime-harness.ts";

test("a session is created, listed, looked at, forked, ended and deleted", async (t) => {
  const http = await startHttp(t);
  const created = await ask(http, {
    path: "/api/v1/sessions",
    json: { agent: "tester", labels: { team: "a" }, on_disconnect: "continue" },
  });
  assert.equal(created.status, 201);
  const id = created.json.session_id;
  assert.equal(created.headers.location, `/api/v1/sessions/${id}`);
  assert.equal(created.json.status, "active");
  assert.equal(created.json.on_disconnect, "continue");
  const other = await ask(http, { path: "/api/v1/sessions", json: { agent: "tester" } });
  const ids = async (query: string) =>
    (await ask(http, { path: `/api/v1/sessions${query}` })).json.sessions.map(
      (one: { session_id: string }) => one.session_id,
    );
  assert.deepEqual(await ids(""), [other.json.session_id, id]);
  assert.deepEqual(await ids("?label.team=a"), [id]);
  assert.deepEqual(await ids("?agent=nobody"), []);
  const first = await ask(http, { path: "/api/v1/sessions?limit=1" });
  assert.deepEqual(await ids(`?limit=1&cursor=${first.json.next_cursor}`), [id]);
  await ask(http, { path: `/api/v1/sessions/${id}/messages`, json: { content: "hi" } });
  const fork = await ask(http, { method: "POST", path: `/api/v1/sessions/${id}/fork` });
  assert.equal(fork.status, 201);
  assert.notEqual(fork.json.session_id, id);
  const ended = await ask(http, { method: "POST", path: `/api/v1/sessions/${id}/end` });
  assert.equal(ended.json.status, "ended");
  assert.ok(!(await ids("")).includes(id));
  assert.deepEqual(await ids("?status=ended"), [id]);
  assert.equal((await ask(http, { method: "DELETE", path: `/api/v1/sessions/${id}` })).status, 204);
  assert.equal((await ask(http, { path: `/api/v1/sessions/${id}` })).status, 410);
});

test("the session of a chat says which chat it is, by itself and in lists; another says nothing of the kind", async (t) => {
  const http = await startHttp(t);
  const own = await newSession(http);
  const gateway = { name: "tg", chatId: "-100", chatType: "group" } as const;
  const { session } = await http.sessions.create({ agent: "tester", gateway });
  const chat = { name: "tg", chat_id: "-100", chat_type: "group" };
  const path = `/api/v1/sessions/${session.sessionId}`;
  assert.deepEqual((await ask(http, { path })).json.gateway, chat);
  const { sessions } = (await ask(http, { path: "/api/v1/sessions" })).json;
  assert.deepEqual(
    sessions.map((one: { session_id: string; gateway?: unknown }) => [one.session_id, one.gateway]),
    [
      [session.sessionId, chat],
      [own, undefined],
    ],
  );
});

test("an id that a client chose is taken once; a repeated key gives the same session", async (t) => {
  const http = await startHttp(t);
  const json = { agent: "tester", session_id: "session_01ARZ3NDEKTSV4RRFFQ69G5FAV" };
  assert.equal((await ask(http, { path: "/api/v1/sessions", json })).json.session_id, json.session_id);
  assert.equal((await ask(http, { path: "/api/v1/sessions", json })).status, 409);
  const keyed = () =>
    ask(http, { path: "/api/v1/sessions", json: { agent: "tester" }, headers: { "idempotency-key": "k" } });
  const first = await keyed();
  assert.equal((await keyed()).json.session_id, first.json.session_id);
});

test("pause and resume may be repeated; cancel needs something that runs", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  for (const action of ["pause", "pause", "resume", "resume"]) {
    assert.equal((await ask(http, { method: "POST", path: `/api/v1/sessions/${id}/${action}` })).status, 200, action);
  }
  assert.equal((await ask(http, { method: "POST", path: `/api/v1/sessions/${id}/cancel` })).status, 409);
});

test("an export is the log as it is, or a text for people", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  await ask(http, { path: `/api/v1/sessions/${id}/messages`, json: { content: "hi" } });
  const log = await ask(http, { path: `/api/v1/sessions/${id}/export` });
  assert.equal(log.headers["content-type"], "application/jsonl");
  assert.deepEqual(
    log.text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).seq),
    [1, 2, 3, 4, 5],
  );
  const text = await ask(http, { path: `/api/v1/sessions/${id}/export?format=markdown` });
  assert.match(text.text, /^# hi\n/);
  assert.match(text.text, /\n## tester, .*\n\necho: hi\n/);
});

test("agents are listed and shown as other clients expect them", async (t) => {
  const http = await startHttp(t);
  assert.deepEqual((await ask(http, { path: "/api/v1/agents" })).json, { agents: [{ name: "tester" }] });
  const agent = await ask(http, { path: "/api/v1/agents/tester" });
  assert.equal(agent.json.api_version, "duragent/v1alpha1");
  assert.equal(agent.json.kind, "Agent");
  assert.equal(agent.json.spec.system_prompt, "You are a test.");
  assert.equal(
    (await ask(http, { path: "/api/v1/agents/tester", headers: { "if-none-match": agent.headers.etag } })).status,
    304,
  );
  const missing = await ask(http, { path: "/api/v1/agents/nobody" });
  assert.equal(missing.json.detail, "agent 'nobody' not found");
});

test("what launchers and operators ask is answered in their words", async (t) => {
  let asked = 0;
  const http = await startHttp(t, { http: { shutdown: () => (asked++ === 0 ? "started" : "already") } });
  assert.equal((await ask(http, { path: "/livez" })).text, "ok");
  assert.equal((await ask(http, { path: "/readyz" })).json.workspace_hash, "f".repeat(64));
  assert.deepEqual((await ask(http, { path: "/version" })).json, {
    version: "1.2.3",
    commit: "abc",
    build_date: "2026-01-01",
    variant: "core",
  });
  assert.equal((await ask(http, { method: "POST", path: "/api/admin/v1/reload-agents" })).text, "Reloaded 1 agents");
  assert.deepEqual((await ask(http, { method: "POST", path: "/api/v1/admin/reload" })).json, { agents: 1 });
  assert.equal((await ask(http, { method: "POST", path: "/api/admin/v1/shutdown" })).text, "Shutdown initiated");
  assert.equal((await ask(http, { method: "POST", path: "/api/admin/v1/shutdown" })).status, 409);
  const id = await newSession(http);
  assert.deepEqual(
    (await ask(http, { method: "POST", path: `/api/v1/admin/sessions/${id}/verify` })).json.problems,
    [],
  );
  assert.equal(
    (await ask(http, { path: `/api/v1/admin/sessions/${id}/repair`, json: { apply: false } })).json.applied,
    false,
  );
});

test("the reference page and its files come from this server alone", async (t) => {
  const http = await startHttp(t);
  const page = await ask(http, { path: "/docs" });
  assert.doesNotMatch(page.text, /https?:/);
  for (const [, path] of page.text.matchAll(/(?:src|href)="([^"]+)"/g)) {
    assert.equal((await ask(http, { path: path ?? "" })).status, 200, path);
  }
  assert.match(page.headers["content-security-policy"]?.toString() ?? "", /default-src 'self'/);
});

test("the OpenAPI document has every route, and only references that exist", async (t) => {
  const { routes } = await import("../../../src/surfaces/http/routes/registry.ts");
  const http = await startHttp(t);
  const document = (await ask(http, { path: "/openapi.json" })).json;
  assert.equal(document.openapi, "3.1.0");
  for (const { method, path, id } of routes) {
    assert.equal(document.paths[path.replaceAll(/:([a-z]+)/g, "{$1}")][method.toLowerCase()].operationId, id);
  }
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map((match) => match[1] ?? "");
  for (const reference of references) {
    assert.ok(
      reference.split("/").reduce((node, key) => node?.[key], document),
      reference,
    );
  }
});
