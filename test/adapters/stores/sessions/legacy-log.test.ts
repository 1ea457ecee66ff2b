import assert from "node:assert/strict";
import { test } from "node:test";

import { payloads, type SessionEvent } from "../../../../src/schema/session-event.ts";
import type { SessionId } from "../../../../src/schema/ids.ts";
import { SimulatedDisk } from "../../../support/simulated-disk.ts";
import { logPath, openFiles, readAll, say } from "../../../support/stored-session.ts";
import { newSessionId } from "../../../suites/session-store.ts";

const at = "2026-01-02T03:04:05.678901234+00:00";
const events = [
  { seq: 1, timestamp: "2026-01-02T03:04:05.1Z", type: "session_start", agent: "a1", on_disconnect: "continue" },
  { seq: 2, timestamp: at, type: "user_message", content: "hi", sender_id: "5" },
  {
    seq: 3,
    timestamp: at,
    type: "assistant_message",
    agent: "a1",
    content: "calling",
    usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
  },
  { seq: 4, timestamp: at, type: "tool_call", call_id: "c1", tool_name: "bash", arguments: { command: "ls" } },
  { seq: 5, timestamp: at, type: "tool_call", call_id: "c2", tool_name: "web", arguments: {} },
  { seq: 6, timestamp: at, type: "tool_result", call_id: "c1", result: { success: true, content: "x" } },
  { seq: 7, timestamp: at, type: "approval_required", call_id: "c2", command: "get" },
  { seq: 8, timestamp: at, type: "approval_decision", call_id: "c2", decision: "deny" },
  { seq: 9, timestamp: at, type: "tools_skipped", call_ids: ["c2"], reason: "denied" },
  { seq: 12, timestamp: at, type: "assistant_response", agent: "a1", content: "done", extra: { kept: true } },
  { seq: 13, timestamp: at, type: "silent_message", content: "psst", sender_id: "6" },
  { seq: 14, timestamp: at, type: "error", code: "x", message: "y" },
  { seq: 15, timestamp: at, type: "status_change", from: "active", to: "completed" },
];

async function legacyFolder(lines: object[], state?: object) {
  const disk = new SimulatedDisk();
  const id = newSessionId();
  await disk.makeFolder(`/data/sessions/${id}`);
  await (await disk.open(logPath(id), "create")).close();
  disk.tamper(logPath(id), () => Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join("")));
  if (state) await disk.replace(`/data/sessions/${id}/state.json`, Buffer.from(JSON.stringify(state)), { sync: true });
  return { disk, id };
}

function fitsWhatIsWritten(event: SessionEvent, id: SessionId): void {
  const parsed = payloads[event.type].safeParse(event);
  assert.ok(parsed.success, `${event.type}: ${parsed.error?.message}`);
  assert.equal(new Date(event.timestamp).toISOString(), event.timestamp);
  if (event.type === "session_start") assert.equal(event.session_id, id);
}

test("a log of Duragent 0.5 is read in today's shape, and its bytes stay", async () => {
  const { disk, id } = await legacyFolder(events);
  const bytes = disk.peek(logPath(id));
  const store = await openFiles(disk);
  const opened = await store.open(id);
  assert.equal(opened.problem, undefined);
  assert.equal(opened.head, 15);
  assert.deepEqual(
    opened.events.map((event) => event.seq),
    [1, 2, 3, 6, 7, 8, 9, 12, 13, 14, 15],
  );
  for (const event of opened.events) {
    fitsWhatIsWritten(event, id);
    assert.equal(event.legacy, true);
  }
  const [, , response, , required, decision, , last] = opened.events;
  assert.ok(response?.type === "assistant_response");
  assert.deepEqual(
    response.tool_calls?.map((call) => call.tool_name),
    ["bash", "web"],
  );
  assert.equal(response.stop_reason, "tool_calls");
  assert.ok(required?.type === "approval_required" && decision?.type === "approval_decision");
  assert.equal(required.tool_name, "web");
  assert.equal(decision.approval_id, required.approval_id);
  assert.deepEqual(last && "extra" in last && last.extra, { kept: true });
  assert.equal(opened.events.at(-1)?.type === "status_change" && opened.events.at(-1)?.legacy, true);
  assert.deepEqual(disk.peek(logPath(id)), bytes);
  assert.deepEqual(await readAll(await openFiles(disk), id), opened.events, "ids are the same at every reading");
});

test("what this program appends to such a log is its own", async () => {
  const { disk, id } = await legacyFolder(events.slice(0, -1));
  const store = await openFiles(disk);
  const next = await say(store, id, "hello again");
  assert.equal(next.seq, 15);
  await store.saveSnapshot(null, id, { version: "v", seq: 15, contextSeq: 3, state: null });
  await say(store, id, "more");
  await store.shutdown();
  const again = await openFiles(disk);
  const opened = await again.open(id);
  assert.equal(opened.snapshot?.seq, 15);
  assert.deepEqual(opened.events.map((event) => [event.seq, event.legacy]).slice(-2), [
    [15, undefined],
    [16, undefined],
  ]);
  assert.deepEqual(opened.events[0]?.seq, 3);
  const backwards = await Array.fromAsync(again.read(id, { backwards: true, limit: 3 }));
  assert.deepEqual(
    backwards.map((event) => event.seq),
    [16, 15, 14],
  );
  const middle = await Array.fromAsync(again.read(id, { after: 3, limit: 2 }));
  assert.deepEqual(
    middle.map((event) => event.seq),
    [6, 7],
  );
});

test("where 0.5 has compacted the beginning away, its state.json tells it", async () => {
  const state = {
    schema_version: "2",
    session_id: "x",
    agent: "a1",
    status: "active",
    created_at: at,
    snapshot_at: at,
    last_event_seq: 14,
    checkpoint_seq: 11,
    conversation: [
      { role: "system", content: "be kind" },
      { role: "user", content: "hi" },
      {
        role: "assistant",
        content: "",
        tool_calls: [{ id: "c1", type: "function", function: { name: "bash", arguments: '{"command":"ls"}' } }],
      },
      { role: "tool", tool_call_id: "c1", content: "x" },
    ],
    config: { on_disconnect: "continue", gateway: null },
  };
  const { disk, id } = await legacyFolder(events.slice(9), state);
  const { events: opened, problem, head } = await (await openFiles(disk)).open(id);
  assert.equal(problem, undefined);
  assert.equal(head, 15);
  assert.deepEqual(
    opened.slice(0, 5).map((event) => [event.seq, event.type]),
    [
      [1, "session_start"],
      [9, "user_message"],
      [10, "assistant_response"],
      [11, "tool_result"],
      [12, "assistant_response"],
    ],
  );
  for (const event of opened) fitsWhatIsWritten(event, id);
  const all = await legacyFolder([], { ...state, checkpoint_seq: 14 });
  const compacted = await (await openFiles(all.disk)).open(all.id);
  assert.equal(compacted.head, 14);
  assert.equal((await say(await openFiles(all.disk), all.id, "next")).seq, 15);
});

test("where nothing tells the beginning, the session opens read-only and says so", async () => {
  const { disk, id } = await legacyFolder(events.slice(9));
  const { problem } = await (await openFiles(disk)).open(id);
  assert.match(
    problem?.detail ?? "",
    /line 1: the log does not begin with its first event, and .*state\.json.* can not be read/,
  );
});

test("a bad line among readable ones of 0.5 is corruption, an incomplete last one is cut", async () => {
  const { disk, id } = await legacyFolder(events);
  const whole = disk.peek(logPath(id)) ?? Buffer.alloc(0);
  disk.tamper(logPath(id), () => Buffer.from(String(whole).replace('"type":"user_message"', '"type:"user_message"')));
  assert.match((await (await openFiles(disk)).open(id)).problem?.detail ?? "", /line 2: it is not JSON/);
  disk.tamper(logPath(id), () => whole.subarray(0, -9));
  const opened = await (await openFiles(disk)).open(id);
  assert.equal(opened.problem, undefined);
  assert.equal(opened.head, 14);
});
