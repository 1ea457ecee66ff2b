import assert from "node:assert/strict";
import { appendFile, readFile } from "node:fs/promises";
import { test } from "node:test";

import { ask, type Question } from "../support/http-harness.ts";
import { runProgram, scriptedAgent, ServerProcess } from "../support/server-process.ts";

const json = { content: "let me in" };
const deep = `{"content":${"[".repeat(100)}${"]".repeat(100)}}`;
const large = JSON.stringify({ content: "x".repeat(3 * 1024 * 1024) });
const typed = { "content-type": "application/json" };

/** Asked of `POST …/messages` unless `path` says otherwise. */
const attacks: Record<string, { ask: Partial<Question>; status: number; code: string }> = {
  "another host name": { ask: { json, headers: { host: "evil.example" } }, status: 421, code: "host-not-allowed" },
  "a page of another origin": {
    ask: { json, headers: { origin: "https://evil.example" } },
    status: 403,
    code: "forbidden",
  },
  "a cross-site request": {
    ask: { json, headers: { "sec-fetch-site": "cross-site" } },
    status: 403,
    code: "forbidden",
  },
  "a form's content type": {
    ask: { body: JSON.stringify(json), headers: { "content-type": "text/plain" } },
    status: 415,
    code: "unsupported-media-type",
  },
  "a token in the URL": { ask: { json, path: "?token=secret" }, status: 400, code: "token-in-url" },
  "a path as an id": {
    ask: { json, path: "/api/v1/sessions/..%2f..%2fetc/messages" },
    status: 400,
    code: "bad-request",
  },
  "NUL in an id": { ask: { json, path: "/api/v1/sessions/session_%00/messages" }, status: 400, code: "bad-request" },
  "a body of 3 MB": { ask: { body: large, headers: typed }, status: 413, code: "too-large" },
  "a body 100 levels deep": { ask: { body: deep, headers: typed }, status: 400, code: "bad-request" },
  "an empty body": { ask: { body: "", headers: typed }, status: 400, code: "bad-request" },
  "no JSON": { ask: { body: "{content: 1}", headers: typed }, status: 400, code: "bad-request" },
  "invalid UTF-8": {
    ask: { body: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), headers: typed },
    status: 400,
    code: "bad-request",
  },
  "an unknown field": { ask: { json: { ...json, admin: true } }, status: 400, code: "bad-request" },
  "a key of other characters": {
    ask: { json, headers: { "idempotency-key": "ä".repeat(3) } },
    status: 400,
    code: "bad-request",
  },
};

test("what is refused gets its status and leaves every byte of the log as it was", async (t) => {
  const server = await ServerProcess.start(t, { files: scriptedAgent("echo") });
  const made = await ask(server.place, { path: "/api/v1/sessions", json: { agent: "echo" } });
  const sessionId = String(made.json.session_id);
  const path = `/api/v1/sessions/${sessionId}/messages`;
  assert.equal((await ask(server.place, { path, json: { content: "before" } })).status, 200);
  // Nothing of this session happens by itself any more.
  const bytes = await settledLog(server, sessionId);

  for (const [name, attack] of Object.entries(attacks)) {
    const wanted = attack.ask.path ?? "";
    const place = wanted.startsWith("/") ? wanted : `${path}${wanted}`;
    const answer = await ask(server.place, { method: "POST", ...attack.ask, path: place });
    assert.equal(answer.status, attack.status, `${name}: ${answer.status} ${answer.text.slice(0, 300)}`);
    assert.equal(answer.json?.type, `urn:duragent:problem:${attack.code}`, name);
    assert.match(answer.headers["content-type"] ?? "", /^application\/problem\+json/, name);
    assert.equal(answer.headers["access-control-allow-origin"], undefined, name);
    assert.ok((await readFile(server.logPath(sessionId))).equals(bytes), `${name} changed the log`);
  }
  assert.equal((await ask(server.place, { path, json: { content: "after" } })).status, 200);
});

test("an unknown key in duragent.yaml stops the start with its place and a suggestion", async (t) => {
  const server = await ServerProcess.prepare(t, { files: scriptedAgent("echo") });
  await appendFile(`${server.folder}/duragent.yaml`, "server: { prot: 9000 }\n");
  const { code, stderr } = await runProgram(server, ["serve", "--port", "0"]);
  assert.equal(code, 78);
  assert.match(stderr, /duragent\.yaml:3:\d+/);
  assert.match(stderr, /prot/);
  assert.match(stderr, /port/);
});

/** The log once the client that sent the last message has been counted out. */
async function settledLog(server: ServerProcess, sessionId: string): Promise<Buffer> {
  for (;;) {
    const { json: session } = await ask(server.place, { path: `/api/v1/sessions/${sessionId}` });
    if (session.attached_clients > 0 || session.activity !== "idle") continue;
    const bytes = await readFile(server.logPath(sessionId));
    const last = await ask(server.place, { path: `/api/v1/sessions/${sessionId}` });
    if (last.json.last_seq === bytes.toString().trimEnd().split("\n").length) return bytes;
  }
}
