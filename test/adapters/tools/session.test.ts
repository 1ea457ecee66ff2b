import assert from "node:assert/strict";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { sessionTool } from "../../../src/adapters/tools/session.ts";
import { readWorkingNotes } from "../../../src/adapters/tools/working-notes.ts";
import type { AgentSessions, SiblingSession } from "../../../src/ports/agent-sessions.ts";
import { sessionIdSchema } from "../../../src/schema/ids.ts";
import { DuragentError } from "../../../src/schema/problem.ts";
import { testSessionId } from "../../support/tool-context.ts";
import { call, workbench } from "./files/workbench.ts";

const sibling = sessionIdSchema.parse("session_01KADQ8K3T9V6Z2M4N5P7R8S9V");

async function world(t: TestContext, siblings: SiblingSession[] = []) {
  const { agent, folder } = await workbench(t);
  const sessionsFolder = join(folder, "sessions");
  await mkdir(join(sessionsFolder, testSessionId), { recursive: true });
  const sent: Parameters<AgentSessions["send"]>[] = [];
  const never = () => Promise.reject(new Error("not of this tool"));
  const sessions: AgentSessions = {
    list: async () => siblings,
    send: async (...message) => {
      if (message[0] !== sibling) throw new DuragentError("session-not-found", `there is no session ${message[0]}`);
      sent.push(message);
      return { messageId: "msg_1" };
    },
    processEnded: never,
    processSays: never,
  };
  const tool = sessionTool({ agent, sessions, sessionsFolder });
  const ask = async (given: object): Promise<string> => {
    const result = await call(tool, given);
    return `${result.outcome}: ${result.content}`;
  };
  const path = join(sessionsFolder, testSessionId, "memory/working.md");
  return { tool, ask, sent, sessionsFolder, path };
}

test("working notes are a file that anybody can read, replaced as a whole", async (t) => {
  const { ask, path } = await world(t);
  assert.equal(await ask({ action: "notes" }), "ok: There are no notes yet.");
  assert.equal(await ask({ action: "notes", content: "# Plan\n\n- first\n" }), "ok: The notes were replaced.");
  assert.equal(await readFile(path, "utf8"), "# Plan\n\n- first\n");
  assert.equal(await ask({ action: "notes" }), "ok: # Plan\n\n- first");
  assert.equal(await ask({ action: "notes", content: "" }), "ok: The notes were cleared.");
  assert.equal(await ask({ action: "notes" }), "ok: There are no notes yet.");
  assert.deepEqual(await readdir(join(path, "..")), ["working.md"]);
});

test("notes have a bound, and what a human adds beyond it is cut between characters", async (t) => {
  const { ask, path, sessionsFolder } = await world(t);
  assert.match(
    await ask({ action: "notes", content: "é".repeat(9_000) }),
    /^error: The notes have 18000 bytes; at most 16384/,
  );
  await ask({ action: "notes", content: "short" });
  await writeFile(path, `x${"é".repeat(9_000)}`);
  const read = await readWorkingNotes(sessionsFolder, testSessionId);
  assert.equal(Buffer.byteLength(read ?? ""), 16_383);
  assert.doesNotMatch(read ?? "", /\uFFFD/);
});

test("notes of a session that was deleted do not bring its folder back", async (t) => {
  const { tool, sessionsFolder } = await world(t);
  await assert.rejects(call(tool, { action: "notes", content: "x" }, { sessionId: sibling }), { code: "ENOENT" });
  assert.deepEqual(await readdir(sessionsFolder), [testSessionId]);
});

test("what a write that was cut off has left is in nobody's way", async (t) => {
  const { ask, path } = await world(t);
  await ask({ action: "notes", content: "old" });
  await writeFile(`${path}.tmp`, "half");
  assert.equal(await ask({ action: "notes" }), "ok: old");
  await ask({ action: "notes", content: "new" });
  assert.deepEqual([await ask({ action: "notes" }), await readdir(join(path, ".."))], ["ok: new", ["working.md"]]);
});

test("the list shows the agent's other sessions, a line each", async (t) => {
  const common = { status: "active", activity: "idle", updatedAt: "2026-11-21T12:00:00.000Z" };
  const { ask } = await world(t, [
    { ...common, sessionId: testSessionId },
    { ...common, sessionId: sibling, title: "Two\nlines" },
  ]);
  assert.equal(
    await ask({ action: "list" }),
    `ok: - ${sibling} (active, idle, last used ${common.updatedAt}): Two lines`,
  );
  const alone = await world(t, [{ ...common, sessionId: testSessionId }]);
  assert.equal(await alone.ask({ action: "list" }), "ok: You have no other open session.");
});

test("a message goes out under the call's key, never to the session itself, and within a bound", async (t) => {
  const { ask, sent } = await world(t);
  assert.equal(await ask({ action: "send", session_id: sibling, content: "hello" }), `ok: Sent to ${sibling}.`);
  assert.deepEqual(sent, [
    [sibling, { agent: "tester", from: testSessionId, content: "hello", idempotencyKey: "key-1" }],
  ]);
  assert.match(await ask({ action: "send", session_id: testSessionId, content: "x" }), /^error: That is this session/);
  assert.match(
    await ask({ action: "send", session_id: sibling, content: "x".repeat(40_000) }),
    /^error: .*at most 32768/,
  );
  assert.match(await ask({ action: "send", session_id: "../x", content: "x" }), /^error: The arguments of session/);
  const unknown = sessionIdSchema.parse("session_01KADQ8K3T9V6Z2M4N5P7R8S9W");
  assert.equal(
    await ask({ action: "send", session_id: unknown, content: "x" }),
    `error: there is no session ${unknown}`,
  );
  assert.equal(sent.length, 1);
});

test("what only reads is pure, what writes is idempotent", async (t) => {
  const { tool } = await world(t);
  const effect = (given: object) => tool.effectOf?.({ call_id: "c", tool_name: "session", arguments: { ...given } });
  assert.deepEqual(
    [
      { action: "notes" },
      { action: "list" },
      { action: "notes", content: "" },
      { action: "send", session_id: sibling, content: "x" },
    ].map(effect),
    ["pure", "pure", "idempotent", "idempotent"],
  );
});
