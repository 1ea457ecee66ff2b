import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { routes } from "../../../src/surfaces/http/routes/registry.ts";
import { ask, startHttp, type Question } from "../../support/http-harness.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const api = "/api/v1/sessions";
const admin = "/api/v1/admin/doctor";
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const tokens = { apiToken: "api-token-1", adminToken: "admin-token-1" };

const concrete = (path: string): string =>
  path.replace(":id", "session_01ARZ3NDEKTSV4RRFFQ69G5FAV").replace(/:[a-z]+/, "tester");
const questionOf = ({ method, path }: (typeof routes)[number]): Question => ({ method, path: concrete(path) });
const isPublic = (path: string): boolean => ["/livez", "/readyz", "/health", "/version"].includes(path);

test("no route answers another host name, a foreign page, or a token in its URL", async (t) => {
  const http = await startHttp(t);
  for (const route of routes) {
    await t.test(`${route.method} ${route.path}`, async () => {
      const question = questionOf(route);
      const host = await ask(http, { ...question, headers: { host: "evil.example" } });
      assert.equal(host.status, isPublic(route.path) ? 200 : 421);
      if (!isPublic(route.path)) assert.equal(host.json.type, "urn:duragent:problem:host-not-allowed");
      for (const headers of [
        { origin: "https://evil.example" },
        { origin: "null" },
        { "sec-fetch-site": "cross-site" },
      ]) {
        const page = await ask(http, { ...question, headers });
        assert.equal(page.status, 403, JSON.stringify(headers));
        assert.equal(page.headers["access-control-allow-origin"], undefined);
      }
      const inUrl = await ask(http, { ...question, path: `${question.path}?token=abc` });
      assert.equal(inUrl.status, 400);
      assert.equal(inUrl.json.type, "urn:duragent:problem:token-in-url");
    });
  }
});

test("no route but the public ones lets anybody in without the token", async (t) => {
  const http = await startHttp(t, { access: tokens });
  for (const route of routes) {
    await t.test(`${route.method} ${route.path}`, async () => {
      const needsToken = route.path.startsWith("/api/") || route.path === "/metrics";
      const told = await ask(http, questionOf(route));
      if (!needsToken) assert.ok(told.status < 400 || told.status === 404, `${told.status}`);
      else {
        assert.equal(told.status, 401);
        assert.match(told.headers["www-authenticate"] ?? "", /^Bearer/);
        assert.equal(told.json.type, "urn:duragent:problem:unauthorized");
      }
    });
  }
});

const cases: [name: string, access: Parameters<typeof startHttp>[1], question: Question, status: number][] = [
  ["without a token this machine may in", {}, { path: api }, 200],
  ["localhost is this machine", {}, { path: api, headers: { host: "localhost:1" } }, 200],
  ["its IPv6 address too", {}, { path: api, headers: { host: "[::1]:8080" } }, 200],
  [
    "a name that only begins like this machine is not",
    {},
    { path: api, headers: { host: "localhost.evil.example" } },
    421,
  ],
  ["a host that is none is refused", {}, { path: api, headers: { host: "a b" } }, 400],
  [
    "without a token an allowed name is not enough",
    { access: { allowedHosts: ["dura.lan"] } },
    { path: api, headers: { host: "dura.lan" } },
    403,
  ],
  [
    "an allowed name and a token are",
    { access: { ...tokens, allowedHosts: ["dura.lan"] } },
    { path: api, headers: { host: "dura.lan:80", ...bearer("api-token-1") } },
    200,
  ],
  [
    "a valid token vouches for any name",
    { access: tokens },
    { path: api, headers: { host: "proxy.example", ...bearer("api-token-1") } },
    200,
  ],
  [
    "a wrong token does not",
    { access: tokens },
    { path: api, headers: { host: "proxy.example", ...bearer("wrong") } },
    421,
  ],
  [
    "a wildcard address is no name",
    { access: { host: "0.0.0.0", ...tokens } },
    { path: api, headers: { host: "0.0.0.0" } },
    421,
  ],
  ["a wrong token is 401", { access: tokens }, { path: api, headers: bearer("wrong") }, 401],
  ["another scheme is 401", { access: tokens }, { path: api, headers: { authorization: "Basic YTpi" } }, 401],
  [
    "the API token does not open admin routes",
    { access: tokens },
    { path: admin, headers: bearer("api-token-1") },
    403,
  ],
  ["the admin token does", { access: tokens }, { path: admin, headers: bearer("admin-token-1") }, 200],
  [
    "the compatible admin path is one of them",
    { access: tokens },
    { method: "POST", path: "/api/admin/v1/reload-agents", headers: bearer("api-token-1") },
    403,
  ],
  [
    "an escaped path is the same path",
    { access: tokens },
    { path: "/api/v1/%61dmin/doctor", headers: bearer("api-token-1") },
    403,
  ],
  ["with both tokens each opens its own", { access: tokens }, { path: api, headers: bearer("admin-token-1") }, 401],
  [
    "with only an admin token that opens the API too",
    { access: { adminToken: "admin-token-1" } },
    { path: api, headers: bearer("admin-token-1") },
    200,
  ],
  ["and nothing is open without it", { access: { adminToken: "admin-token-1" } }, { path: api }, 401],
  [
    "with only an API token admin routes are closed",
    { access: { apiToken: "api-token-1" } },
    { path: admin, headers: bearer("api-token-1") },
    403,
  ],
  ["also from this machine without a token", { access: { apiToken: "api-token-1" } }, { path: admin }, 403],
  ["switched-off admin routes are not there", { access: { adminEnabled: false } }, { path: admin }, 404],
  ["what does not exist is told only to those who may know", { access: tokens }, { path: "/api/v1/nothing" }, 401],
  [
    "a configured token in the URL is refused under any name",
    { access: tokens },
    { path: `${api}?cursor=api-token-1`, headers: bearer("api-token-1") },
    400,
  ],
  [
    "a foreign page is refused also with a token",
    { access: tokens },
    { path: api, headers: { origin: "https://evil.example", ...bearer("api-token-1") } },
    403,
  ],
  [
    "a configured page is welcome",
    { access: { corsOrigins: ["https://app.example"] } },
    { path: api, headers: { origin: "https://app.example", "sec-fetch-site": "cross-site" } },
    200,
  ],
  [
    "a link from elsewhere to the reference page works",
    {},
    { path: "/docs", headers: { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" } },
    200,
  ],
  [
    "a link from elsewhere into the API does not",
    {},
    { path: api, headers: { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" } },
    403,
  ],
  [
    "no header of a proxy is believed",
    { access: tokens },
    { path: api, headers: { "x-forwarded-for": "127.0.0.1", forwarded: "for=127.0.0.1", "x-real-ip": "127.0.0.1" } },
    401,
  ],
  [
    "public metrics need no token and no name",
    { access: { ...tokens, metricsPublic: true } },
    { path: "/metrics", headers: { host: "prometheus.example" } },
    200,
  ],
  ["switched-off metrics are not there", { access: { metricsEnabled: false } }, { path: "/metrics" }, 404],
];

for (const [name, options, question, status] of cases) {
  test(`access: ${name}`, async (t) => {
    const http = await startHttp(t, options);
    const told = await ask(http, question);
    assert.equal(told.status, status, told.text);
    if (status >= 400) assert.equal(told.headers["content-type"], "application/problem+json");
  });
}

test("a page of this very server may use it", async (t) => {
  const http = await startHttp(t);
  const told = await ask(http, {
    path: api,
    headers: { origin: `http://127.0.0.1:${http.port}`, "sec-fetch-site": "same-origin" },
  });
  assert.equal(told.status, 200);
  assert.equal(told.headers["access-control-allow-origin"], undefined);
});

test("a configured page gets its preflight answered, and others do not", async (t) => {
  const http = await startHttp(t, { access: { corsOrigins: ["https://app.example"] } });
  const preflight = (origin: string) =>
    ask(http, { method: "OPTIONS", path: api, headers: { origin, "access-control-request-method": "POST" } });
  const good = await preflight("https://app.example");
  assert.equal(good.status, 204);
  assert.equal(good.headers["access-control-allow-origin"], "https://app.example");
  assert.equal(good.headers["access-control-allow-methods"], "GET, HEAD, POST");
  assert.equal((await preflight("https://evil.example")).status, 403);
});

test("ten wrong tokens in a minute and an address has to wait, whatever it sends; then it may again", async (t) => {
  const clock = new ManualClock();
  const http = await startHttp(t, { access: tokens, runtime: { clock } });
  for (let attempt = 0; attempt < 10; attempt++) {
    assert.equal((await ask(http, { path: api, headers: bearer(`guess-${attempt}`) })).status, 401);
  }
  const told = await ask(http, { path: api, headers: bearer("api-token-1") });
  assert.equal(told.status, 429);
  assert.equal(told.headers["retry-after"], "60");
  clock.advance(60_000);
  assert.equal((await ask(http, { path: api, headers: bearer("api-token-1") })).status, 200);
});

test("guesses under another host name count too", async (t) => {
  const http = await startHttp(t, { access: tokens });
  for (let attempt = 0; attempt < 10; attempt++) {
    assert.equal(
      (await ask(http, { path: api, headers: { host: "x.example", ...bearer(`guess-${attempt}`) } })).status,
      421,
    );
  }
  assert.equal((await ask(http, { path: api, headers: { host: "x.example", ...bearer("api-token-1") } })).status, 429);
});

test("the unix socket needs no token and no host name, and is private", async (t) => {
  const { stat } = await import("node:fs/promises");
  const socketPath = join(await temporaryFolder(t), "server.sock");
  await startHttp(t, { access: tokens, socketPath });
  const told = await ask({ socketPath }, { path: admin, headers: { host: "anything" } });
  assert.equal(told.status, 200);
  assert.equal((await stat(socketPath)).mode & 0o777, 0o600);
});

test("health tells strangers how it is and nothing else", async (t) => {
  const http = await startHttp(t, { access: tokens });
  assert.deepEqual((await ask(http, { path: "/health" })).json, { status: "healthy", version: "1.2.3" });
  const known = await ask(http, { path: "/health", headers: bearer("api-token-1") });
  assert.deepEqual(Object.keys(known.json), ["status", "version", "uptime_seconds", "worker_id", "checks"]);
});
