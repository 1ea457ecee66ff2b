import assert from "node:assert/strict";
import { test } from "node:test";
import { unpackTar } from "modern-tar";

import { createClient } from "../../../src/client/client.ts";
import { ask, startHttp } from "../../support/http-harness.ts";

const path = "/api/v1/agents/tester/memory";
const put = (json: object, headers: Record<string, string> = {}) => ({ method: "POST", path, json, headers });

test("what is put is there at once, by words, kind, day and limit", async (t) => {
  const place = await startHttp(t);
  const client = createClient({ baseUrl: place.url });
  await client.putMemory("tester", { kind: "fact", content: "The door is blue." });
  await client.putMemory("tester", { kind: "note", content: "Paint it." });
  await client.putMemory("tester", { kind: "world", topic: "Doors", content: "All of them are old." });
  await client.putMemory("tester", { kind: "memory", content: "I look after doors." });
  const today = new Date().toISOString().slice(0, 10);
  const { memories } = await client.queryMemory("tester");
  assert.deepEqual(memories, [
    { kind: "memory", content: "I look after doors.", agent: "tester" },
    { kind: "world", content: "All of them are old.", topic: "doors" },
    { kind: "note", content: "Paint it.", day: today, agent: "tester" },
    { kind: "fact", content: "The door is blue.", day: today, agent: "tester" },
  ]);
  const contents = async (query: Parameters<typeof client.queryMemory>[1]) =>
    (await client.queryMemory("tester", query)).memories.map((memory) => memory.content);
  assert.deepEqual(await contents({ q: "door blue" }), ["The door is blue."]);
  assert.deepEqual(await contents({ kind: "world" }), ["All of them are old."]);
  assert.deepEqual(await contents({ kind: "note", since: "9999-01-01" }), []);
  assert.deepEqual(await contents({ limit: 1 }), ["I look after doors."]);
});

test("with its key a repeated request has one effect and the same answer", async (t) => {
  const place = await startHttp(t);
  const headers = { "idempotency-key": "k" };
  for (let times = 0; times < 3; times += 1)
    assert.equal((await ask(place, put({ kind: "note", content: "once" }, headers))).status, 204);
  assert.equal((await ask(place, { path })).json.memories.length, 1);
});

test("an export is a tar stream of Markdown", async (t) => {
  const place = await startHttp(t);
  const client = createClient({ baseUrl: place.url });
  await client.putMemory("tester", { kind: "world", topic: "doors", content: "old" });
  const archive = Buffer.concat(await Array.fromAsync(await client.exportMemory("tester")));
  const files = await unpackTar(archive);
  assert.deepEqual(
    files.map(({ header, data }) => [header.name, new TextDecoder().decode(data)]),
    [["world/doors.md", "old\n\n<!-- duragent -->\n"]],
  );
  const { headers } = await ask(place, { path: `${path}/export` });
  assert.equal(headers["content-type"], "application/x-tar");
  assert.equal(headers["content-disposition"], 'attachment; filename="tester-memory.tar"');
});

const refused: [what: string, question: Parameters<typeof ask>[1], status: number, code: string][] = [
  ["an agent that is not there", { path: "/api/v1/agents/nobody/memory" }, 404, "agent-not-found"],
  ["an export of one", { path: "/api/v1/agents/nobody/memory/export" }, 404, "agent-not-found"],
  ["a name that is none", { path: "/api/v1/agents/..%2ftester/memory" }, 400, "bad-request"],
  ["a kind that is none", { path: `${path}?kind=dream` }, 400, "bad-request"],
  ["a day that is none", { path: `${path}?since=2026-02-30` }, 400, "bad-request"],
  ["a limit that is none", { path: `${path}?limit=0` }, 400, "bad-request"],
  ["an unknown parameter", { path: `${path}?query=x` }, 400, "bad-request"],
  ["nothing to remember", put({ kind: "note", content: "" }), 400, "bad-request"],
  ["only space", put({ kind: "note", content: " \n " }), 400, "bad-request"],
  ["too much", put({ kind: "note", content: "x".repeat(20_000) }), 400, "bad-request"],
  ["a world without a topic", put({ kind: "world", content: "x" }), 400, "bad-request"],
  ["a topic for a note", put({ kind: "note", topic: "x", content: "x" }), 400, "bad-request"],
  ["a topic without a letter", put({ kind: "world", topic: "../..", content: "x" }), 400, "bad-request"],
  ["an unknown field", put({ kind: "note", content: "x", day: "2026-11-21" }), 400, "bad-request"],
];

test("what can not be asked or put is refused by name, and nothing is written", async (t) => {
  const place = await startHttp(t);
  for (const [what, question, status, code] of refused) {
    const told = await ask(place, question);
    assert.deepEqual([told.status, told.json.type], [status, `urn:duragent:problem:${code}`], what);
  }
  assert.deepEqual((await ask(place, { path })).json, { memories: [] });
});
