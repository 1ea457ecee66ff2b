import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test, type TestContext } from "node:test";

import type { SessionEvent } from "../../src/schema/session-event.ts";
import { ask } from "../support/http-harness.ts";
import { runProgram, scriptedAgent, ServerProcess } from "../support/server-process.ts";

test("logs cut anywhere in their last write open, keep what was acknowledged before it, and take the next message", async (t) => {
  const places = ["its first byte", "its middle", "its last byte but one", "its newline"] as const;
  const { server, sessions } = await killedServer(t, places.length);
  const before = new Map<string, { events: SessionEvent[]; torn: Buffer }>();
  for (const [index, sessionId] of sessions.entries()) {
    const path = server.logPath(sessionId);
    const bytes = await readFile(path);
    const lastStart = bytes.lastIndexOf("\n", bytes.length - 2) + 1;
    const cuts = [lastStart + 1, Math.floor((lastStart + bytes.length) / 2), bytes.length - 2, bytes.length - 1];
    const cut = cuts[index] ?? assert.fail();
    await writeFile(path, bytes.subarray(0, cut));
    before.set(sessionId, { events: eventsIn(bytes.subarray(0, lastStart)), torn: bytes.subarray(lastStart, cut) });
  }
  await server.start();
  for (const [index, sessionId] of sessions.entries()) {
    const { events, torn } = before.get(sessionId) ?? assert.fail();
    const answered = await say(server, sessionId, "go on");
    assert.equal(answered.status, 200, `cut at ${places[index]}: ${answered.text}`);
    const log = await eventsOf(server, sessionId);
    assert.deepEqual(
      log.slice(0, events.length).map(({ seq, type }) => ({ seq, type })),
      events.map(({ seq, type }) => ({ seq, type })),
    );
    assert.deepEqual(
      log.map((event) => event.seq),
      log.map((_, at) => at + 1),
    );
    const aside = await readFile(server.logPath(sessionId).replace("events.jsonl", "events.torn"));
    assert.ok(aside.equals(torn), "the torn bytes are kept");
  }
});

test("a flipped bit makes its session read-only and says where; others work; repair mends it", async (t) => {
  const { server, sessions } = await killedServer(t, 2);
  const [damaged = "", healthy = ""] = sessions;
  const path = server.logPath(damaged);
  const bytes = await readFile(path);
  const lines = bytes.toString().split("\n");
  // A digit of the year becomes another: only the crc can tell.
  const at = lines.slice(0, 2).join("\n").length + 1 + (lines[2] ?? "").indexOf("-") - 1;
  bytes[at] = (bytes[at] ?? 0) ^ 0x01;
  await writeFile(path, bytes);
  await server.start();

  const session = await ask(server.place, { path: `/api/v1/sessions/${damaged}` });
  assert.equal(session.status, 200, session.text);
  assert.equal(session.json.problem.code, "session-corrupt");
  assert.match(session.json.problem.detail, /events\.jsonl.*line 3/);
  assert.equal((await eventsOf(server, damaged)).length, 2, "its good beginning is served");

  const refused = await say(server, damaged, "hello?");
  assert.equal(refused.status, 503);
  assert.equal(refused.json.type, "urn:duragent:problem:session-corrupt");
  assert.match(refused.json.detail, /events\.jsonl.*line 3/);
  assert.ok((await readFile(path)).equals(bytes), "nothing is written to it");
  assert.equal((await say(server, healthy, "and you?")).status, 200);

  const verified = await runProgram(server, ["session", "verify", damaged]);
  assert.notEqual(verified.code, 0);
  assert.match(verified.stdout, /events\.jsonl:3: /);
  const shown = await runProgram(server, ["session", "repair", damaged]);
  assert.ok((await readFile(path)).equals(bytes), "without --yes it only shows what it would do");
  assert.match(shown.stdout, /quarantine/);
  const repaired = await runProgram(server, ["session", "repair", damaged, "--yes"]);
  assert.equal(repaired.code, 0, repaired.stderr);
  const quarantine = await readFile(path.replace("events.jsonl", "events.quarantine.jsonl"), "utf8");
  assert.ok(quarantine.length > 0);
  assert.equal((await say(server, damaged, "better now?")).status, 200);
  assert.equal((await runProgram(server, ["session", "verify", damaged])).code, 0);
});

/** Sessions of three answered messages, and no server: the last one was killed. */
async function killedServer(t: TestContext, count: number): Promise<{ server: ServerProcess; sessions: string[] }> {
  const server = await ServerProcess.start(t, { files: scriptedAgent("echo") });
  const sessions: string[] = [];
  for (let made = 0; made < count; made += 1) {
    const { json } = await ask(server.place, { path: "/api/v1/sessions", json: { agent: "echo" } });
    sessions.push(String(json.session_id));
  }
  await Promise.all(
    sessions.map(async (sessionId) => {
      for (const content of ["one", "two", "three"]) assert.equal((await say(server, sessionId, content)).status, 200);
    }),
  );
  await server.kill9();
  return { server, sessions };
}

function say(server: ServerProcess, sessionId: string, content: string) {
  return ask(server.place, { path: `/api/v1/sessions/${sessionId}/messages`, json: { content } });
}

async function eventsOf(server: ServerProcess, sessionId: string): Promise<SessionEvent[]> {
  const path = `/api/v1/sessions/${sessionId}/events`;
  const { json } = await ask(server.place, { path, headers: { accept: "application/json" } });
  return json.events;
}

function eventsIn(bytes: Buffer): SessionEvent[] {
  const lines = bytes.toString().split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
}
