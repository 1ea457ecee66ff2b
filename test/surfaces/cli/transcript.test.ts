import assert from "node:assert/strict";
import { test } from "node:test";

import type { EventDraft } from "../../../src/schema/session-event.ts";
import type { MessageId } from "../../../src/schema/ids.ts";
import { createTranscript } from "../../../src/surfaces/cli/output/transcript.ts";

const messageId = "msg_01J00000000000000000000000" as MessageId;

type Bare<Draft = EventDraft> = Draft extends unknown ? Omit<Draft, "timestamp"> : never;

function recorded(isOwn = false) {
  const written: string[] = [];
  const said: string[] = [];
  const transcript = createTranscript(
    { said: (text) => (written.push(text), said.push(text)), noted: (text) => written.push(text) },
    { paint: (_, text) => text, isOwn: () => isOwn },
  );
  let seq = 0;
  const show = (draft: Bare) => {
    transcript.show({ ...draft, seq: ++seq, timestamp: "2026-11-21T10:00:00.000Z" });
  };
  return { transcript, show, text: () => written.join(""), said: () => said.join("") };
}

const response = (content: string, more: object = {}) => ({
  type: "assistant_response" as const,
  agent: "demo",
  content,
  message_id: messageId,
  through_seq: 1,
  model: "m",
  provider: "p",
  stop_reason: "end" as const,
  request_digest: "d",
  latency_ms: 1,
  first_token_ms: 1,
  attempts: 1,
  ...more,
});

test("a response that came as tokens and then whole is written once", () => {
  const { transcript, show, said } = recorded();
  transcript.token({ messageId, content: "Hel", offset: 0 });
  transcript.token({ messageId, content: "lo", offset: 3 });
  show(response("Hello"));
  assert.equal(said(), "Hello\n");
});

test("tokens that overlap after a reconnection are written once", () => {
  const { transcript, show, said } = recorded();
  transcript.token({ messageId, content: "Hello", offset: 0 });
  transcript.token({ messageId, content: "lo wor", offset: 3 });
  show(response("Hello world"));
  assert.equal(said(), "Hello world\n");
});

const asked = {
  type: "approval_required" as const,
  approval_id: "appr_01J00000000000000000000000" as never,
  call_id: "c1",
  tool_name: "bash",
  command: "rm a && ls",
  seq: 1,
  timestamp: "2026-11-21T10:00:00.000Z",
};

test("a question says what always keeps, where that is known, and until when it waits", () => {
  const questions: [readonly string[] | undefined, string][] = [
    [["bash:rm *", "bash:ls *"], "[o]nce · [a]lways: bash:rm *, bash:ls * · [d]eny"],
    [["bash:rm \u001b[8m*"], "[o]nce · [a]lways: bash:rm ␛[8m* · [d]eny"],
    [[], "[o]nce · (always can not be kept for this) · [d]eny"],
    [undefined, "[o]nce · [a]lways · [d]eny"],
  ];
  for (const [always, says] of questions) {
    const { transcript, text } = recorded();
    transcript.show(asked, always);
    assert.ok(text().includes(`\n${says} · a message instead is a no\n`), text());
    assert.deepEqual(transcript.question?.always, always);
  }
  const { transcript, text } = recorded();
  transcript.show({ ...asked, expires_at: "2026-11-21T10:05:00.000Z" });
  assert.match(text(), /is a no · until 2026-11-2\d \d\d:\d5:00\n/);
});

test("an answer that was kept says what was kept", () => {
  const { show, text } = recorded();
  const { approval_id, call_id } = asked;
  const decided = { type: "approval_decision" as const, approval_id, call_id, decided_by: "cli" };
  show({ ...decided, decision: "allow_always", pattern: "bash:rm *\nbash:ls *" });
  show({ ...decided, decision: "allow_always" });
  show({ ...decided, decision: "allow_once" });
  assert.equal(text(), "[allowed always by cli: bash:rm *, bash:ls *]\n[allowed by cli]\n[allowed by cli]\n");
});

test("a response without tokens is written whole", () => {
  const { show, said } = recorded();
  show(response("Hello"));
  assert.equal(said(), "Hello\n");
});

test("after a reset the answer starts again on a line of its own", () => {
  const { transcript, show, text } = recorded();
  transcript.token({ messageId: "msg_old", content: "Hal", offset: 0 });
  transcript.tokenReset();
  transcript.token({ messageId, content: "Hello", offset: 0 });
  show(response("Hello"));
  assert.equal(text(), "Hal\n(the connection to the model broke off; the answer starts again)\nHello\n");
});

test("control characters of a model are shown, not obeyed", () => {
  const { transcript, said } = recorded();
  transcript.token({ messageId, content: "\u001b[2Jgone", offset: 0 });
  assert.equal(said(), "␛[2Jgone");
});

test("one's own message is not repeated; another's is shown with its name", () => {
  const message = {
    type: "user_message" as const,
    message_id: messageId,
    content: "hi\nthere",
    source: "http",
    delivery: "steer" as const,
    sender_name: "Ada",
  };
  const own = recorded(true);
  own.show(message);
  assert.equal(own.text(), "");
  const other = recorded();
  other.show(message);
  assert.equal(other.text(), "Ada > hi\n  there\n");
});

test("a question stays open until it is decided, and names what would run", () => {
  const { transcript, show, text } = recorded();
  const approval = { approval_id: "appr_01J00000000000000000000000", call_id: "c1" } as {
    approval_id: never;
    call_id: string;
  };
  show({ type: "approval_required", ...approval, tool_name: "bash", command: "rm -rf build" });
  assert.equal(transcript.question?.command, "rm -rf build");
  assert.match(text(), /bash wants to run:\n {2}rm -rf build\n/);
  show({ type: "approval_decision", ...approval, decision: "deny", decided_by: "cli" });
  assert.equal(transcript.question, null);
  assert.match(text(), /\[denied by cli\]/);
});

test("a question shows all that the call was given, not its name alone", () => {
  const asked = (tool_name: string, command: string, given: Record<string, string>): string => {
    const { show, text } = recorded();
    show(response("", { stop_reason: "tool_calls", tool_calls: [{ call_id: "c1", tool_name, arguments: given }] }));
    show({ type: "approval_required", approval_id: "appr_1" as never, call_id: "c1", tool_name, command });
    return text();
  };
  const written = asked("write_file", "write_file", { path: "run.sh", content: "rm -rf ~\n\u001b[8m" });
  assert.match(written, /wants to run:\n {2}write_file\n {2}path: run\.sh\n {2}content: rm -rf ~\n {4}␛\[8m\n\[o\]nce/);
  const action = asked("background_process", "background_process:write", {
    action: "write",
    handle: "h",
    input: "rm x",
  });
  assert.match(action, /wants to run:\n {2}background_process:write\n {2}handle: h\n {2}input: rm x\n\[o\]nce/);
  assert.match(asked("bash", "make", { command: "make", cwd: "lib" }), /run:\n {2}make\n {2}cwd: lib\n\[o\]nce/);
  const said = asked("bash", 'make\nbash {"cwd":"lib"}', { command: "make", cwd: "lib" });
  assert.match(said, /run:\n {2}make\n {2}cwd: lib\n\[o\]nce/);
  const json = asked("write_file", 'write_file {"path":"a","content":"x\\ny"}', { path: "a", content: "x\ny" });
  assert.match(json, /run:\n {2}write_file\n {2}path: a\n {2}content: x\n {4}y\n\[o\]nce/);
  assert.match(asked("bash", "make", { command: "make" }), /run:\n {2}make\n\[o\]nce/);
});

test("a turn is open from its start to its end; a failure says the provider's words", () => {
  const { transcript, show, text } = recorded();
  show({ type: "turn_start", message_ids: [messageId], agent_digest: "d" });
  assert.equal(transcript.turnOpen, true);
  show({
    type: "turn_end",
    outcome: "failed",
    error: { code: "provider-error", message: "overloaded", retryable: true },
    usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
  });
  assert.equal(transcript.turnOpen, false);
  assert.equal(text(), "error: overloaded\n");
});

test("a tool call is a line when it starts and a line when it ends", () => {
  const { show, text } = recorded();
  show(
    response("", {
      stop_reason: "tool_calls",
      tool_calls: [{ call_id: "c1", tool_name: "bash", arguments: { command: "ls" } }],
    }),
  );
  show({ type: "tool_start", call_id: "c1", tool_name: "bash", attempt: 1, idempotency_key: "k" });
  show({
    type: "tool_result",
    call_id: "c1",
    duration_ms: 1200,
    result: { success: false, content: "no such\nfile", outcome: "error" },
  });
  assert.equal(text(), "▸ bash ls\n✗ bash error 1.2s: no such file\n");
});

test("the end of the session is said and known", () => {
  const { transcript, show, text } = recorded();
  show({ type: "session_end", reason: "completed" });
  assert.equal(transcript.ended, true);
  assert.equal(text(), "[the session has ended: completed]\n");
});

test("of what a tool says the beginning is shown, with its control characters as signs", () => {
  const { show, text } = recorded();
  const call = { call_id: "c1", tool_name: "\u001b]0;bash\u0007", arguments: { command: "echo \u001b[2J" } };
  show(response("", { tool_calls: [call], stop_reason: "tool_calls" }));
  show({ type: "tool_start", call_id: "c1", tool_name: call.tool_name, attempt: 1, idempotency_key: "k" });
  const content = Array.from({ length: 20 }, (_, line) => `  ${line} \u001b[31mred\u202e`).join("\n");
  const result = { success: true, outcome: "ok" as const, content, artifact: "outputs/\u001b[1m.txt" };
  show({ type: "tool_result", call_id: "c1", duration_ms: 40, result });
  const shown = text().split("\n");
  // eslint-disable-next-line no-control-regex
  assert.doesNotMatch(text(), /[\u0000-\u0009\u000b-\u001f\u202e]/u);
  assert.equal(shown[0], "▸ ␛]0;bash␇ echo ␛[2J");
  assert.equal(shown[2], "    0 ␛[31mred<U+202E>");
  assert.equal(shown[14], "  … 8 more lines");
  assert.equal(shown[15], "  (the whole is the artifact outputs/␛[1m.txt)");
});

test("a question's tool and command are shown, not obeyed", () => {
  const { show, text } = recorded();
  const approval = { approval_id: "appr_01J00000000000000000000000" as never, call_id: "c1" };
  show({
    type: "approval_required",
    ...approval,
    tool_name: "ba\u001bsh",
    command: "ls \u001b[8m; rm -rf x\u001b[0m\nsecond",
  });
  assert.match(text(), /^ba␛sh wants to run:\n {2}ls ␛\[8m; rm -rf x␛\[0m\n {2}second\n/);
});

test("a question whose command may have scrolled away says how much there is to read", () => {
  const { show, text } = recorded();
  const asked = {
    type: "approval_required" as const,
    approval_id: "appr_1" as never,
    call_id: "c1",
    tool_name: "bash",
  };
  show({ ...asked, command: `rm -rf ~${"\n".repeat(300)}ls` });
  assert.match(text(), /run:\n {2}rm -rf ~\n {2}⟨299 empty lines⟩\n {2}ls\n\[o\]nce/);
  show({ ...asked, call_id: "c2", command: `rm -rf ~\n${"ls\n".repeat(30)}ls` });
  assert.match(text(), /ls\n\(so much is to be allowed: 32 lines, 101 characters\)\n\[o\]nce/);
});

test("a message that was not delivered is shown with its reason; one that was tells nothing", () => {
  const { show, text } = recorded();
  show({ type: "gateway_delivery", request_id: "r1", status: "sent", message_id: "m1" });
  show({ type: "gateway_delivery", request_id: "r2", status: "failed", error: "chat_not_found: \u001b[2Jno chat" });
  assert.match(text(), /^\(a message was not delivered: chat_not_found: .*no chat\)\n$/);
  assert.ok(!text().includes("\u001b"));
});
