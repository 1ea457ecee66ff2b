import assert from "node:assert/strict";
import { test } from "node:test";

import type { EventDraft, SessionEvent } from "../../../src/schema/session-event.ts";
import { startConversation } from "../../../src/surfaces/cli/conversation/conversation.ts";
import type { LinkItem, SessionLink } from "../../../src/surfaces/cli/conversation/session-link.ts";

type Bare<Draft = EventDraft> = Draft extends unknown ? Omit<Draft, "timestamp"> : never;

const noUsage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
const question = {
  type: "approval_required" as const,
  approval_id: "appr_01J00000000000000000000000" as never,
  call_id: "c1",
  tool_name: "bash",
  command: "make",
};
const turnEnd = { type: "turn_end" as const, outcome: "completed" as const, usage: noUsage };

/** A server at the other end of the link that does what the test says. */
function linked() {
  const asked: string[] = [];
  const items: LinkItem[] = [];
  let wake = () => {};
  let seq = 0;
  let refusal: Error | null = null;
  const put = (item: LinkItem) => {
    items.push(item);
    wake();
  };
  const show = (draft: Bare) => {
    const event: SessionEvent = { ...draft, seq: ++seq, timestamp: "2026-11-21T10:00:00.000Z" };
    put({ kind: "event", event });
  };
  const link: SessionLink = {
    sessionId: "session_1",
    async *items({ signal }) {
      signal.addEventListener("abort", () => wake());
      while (!signal.aborted) {
        const item = items.shift();
        if (item !== undefined) yield item;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    send: async (content, key) => {
      asked.push(`send ${content}`);
      if (refusal !== null) throw refusal;
      show({
        type: "user_message",
        message_id: "msg_01J00000000000000000000000" as never,
        content,
        source: "cli",
        delivery: "steer",
        idempotency_key: key,
      });
    },
    decide: async ({ callId }, decision, reason) => {
      asked.push([decision, callId, reason].filter((part) => part !== undefined).join(" "));
      return decision === "allow_always" ? { notKept: "it has no folder" } : {};
    },
    cancel: async () => void asked.push("cancel"),
    end: async () => void asked.push("end"),
  };
  const written: string[] = [];
  const none = () => Promise.resolve("");
  const conversation = startConversation({
    link,
    sink: { said: (text) => written.push(text), noted: (text) => written.push(text) },
    paint: (_, text) => text,
    after: 0,
    attach: true,
    announceLive: false,
    slash: {
      history: none,
      status: none,
      memory: (words) => Promise.resolve(`remembered ${words ?? "all"}`),
      clear: () => {},
      exportTo: none,
      agents: none,
      sessions: none,
    },
  });
  /** Resolves once the conversation has taken what was put. */
  const shown = async (pattern: RegExp) => {
    while (!pattern.test(written.join(""))) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    asked,
    show,
    put,
    conversation,
    shown,
    text: () => written.join(""),
    refuse: (error: Error) => (refusal = error),
  };
}

for (const [answer, decision] of [
  ["y", "allow_once"],
  ["o", "allow_once"],
  ["/approve", "allow_once"],
  ["A", "allow_always"],
  ["/approve always", "allow_always"],
  ["no", "deny"],
  ["d", "deny"],
  ["/deny", "deny"],
] as const) {
  test(`${answer} to a question is ${decision} for the call that was shown`, async () => {
    const { asked, show, conversation, shown } = linked();
    show(question);
    await shown(/wants to run/);
    const line = conversation.line(answer, true);
    show(turnEnd);
    await line;
    assert.deepEqual(asked, [`${decision} c1`]);
  });
}

test("a denial may say why, and what can not be kept for later is said", async () => {
  const { asked, show, conversation, shown, text } = linked();
  show(question);
  await shown(/wants to run/);
  const denied = conversation.line("/deny use ninja", true);
  show(turnEnd);
  await denied;
  show({ ...question, call_id: "c2" });
  await shown(/wants to run[^]*wants to run/);
  const allowed = conversation.line("a", true);
  show(turnEnd);
  await allowed;
  assert.deepEqual(asked, ["deny c1 use ninja", "allow_always c2"]);
  assert.match(text(), /allowed this once only: it has no folder/);
});

test("/memory shows what the agent remembers", async () => {
  const { conversation, text } = linked();
  await conversation.line("/memory", true);
  await conversation.line("/memory green tea", true);
  assert.equal(text(), "remembered all\nremembered green tea\n");
});

test("an answer that comes after somebody else's is no message", async () => {
  const { asked, show, conversation, shown, text } = linked();
  show(question);
  await shown(/wants to run/);
  const { approval_id, call_id } = question;
  show({ type: "approval_decision", approval_id, call_id, decision: "deny", decided_by: "http" });
  await shown(/denied by http/);
  await conversation.line("o", true);
  assert.match(text(), /answered already/);
  assert.deepEqual(asked, []);
  await conversation.line("/approve", true);
  assert.match(text(), /no question is waiting/);
});

test("anything else is a message, which the server takes for a no", async () => {
  const { asked, show, conversation, shown } = linked();
  show(question);
  await shown(/wants to run/);
  const line = conversation.line("rather use ninja", true);
  await new Promise((resolve) => setImmediate(resolve));
  show(turnEnd);
  await line;
  assert.deepEqual(asked, ["send rather use ninja"]);
});

test("a word that nearly is an answer is asked about, and neither an answer nor a message", async () => {
  const { asked, show, conversation, shown, text } = linked();
  show(question);
  await shown(/wants to run/);
  for (const word of ["ok", "Allow", "sure", "yep"]) await conversation.line(word, true);
  assert.deepEqual(asked, []);
  assert.match(text(), /"allow" does not say for how long: o allows it once, a always, d denies it/);
  const line = conversation.line("ok, but use ninja", true);
  await new Promise((resolve) => setImmediate(resolve));
  show(turnEnd);
  await line;
  assert.deepEqual(asked, ["send ok, but use ninja"]);
});

test("without a question y is a message", async () => {
  const { asked, show, conversation, shown } = linked();
  const line = conversation.line("y", false);
  await shown(/> y/);
  show(turnEnd);
  await line;
  assert.deepEqual(asked, ["send y"]);
});

test("a line has its answer with the turn that ends after it, not with one that ends before", async () => {
  const { show, conversation, shown } = linked();
  let answered = false;
  show({ ...turnEnd, notice: "the one before" });
  await shown(/the one before/);
  const line = conversation.line("hello", false).then(() => (answered = true));
  await shown(/> hello/);
  assert.equal(answered, false);
  show(turnEnd);
  await line;
});

test("a refused message is said, and the word comes back", async () => {
  const { conversation, refuse, text } = linked();
  refuse(new Error("the session has ended"));
  await conversation.line("hello", true);
  assert.equal(text(), "error: the session has ended\n");
  assert.equal(conversation.lastTurnFailed, true);
});

test("ctrl-c cancels a turn that runs; a second one at once leaves with 130", async () => {
  const { asked, show, put, conversation, shown } = linked();
  show({ type: "turn_start", message_ids: [], agent_digest: "d" });
  put({ kind: "token", messageId: "m", content: "working", offset: 0 });
  await shown(/working/);
  conversation.interrupt();
  assert.deepEqual(asked, ["cancel"]);
  conversation.interrupt();
  assert.equal(await conversation.over, 130);
});

test("ctrl-c without a turn only says how to leave; a line in between makes the next one a first one", async () => {
  const { asked, show, conversation, shown, text } = linked();
  conversation.interrupt();
  const line = conversation.line("hello", false);
  await shown(/> hello/);
  show(turnEnd);
  await line;
  conversation.interrupt();
  assert.equal(text().split("ctrl-c again leaves").length, 3);
  assert.deepEqual(asked, ["send hello"]);
  conversation.leave(0);
  assert.equal(await conversation.over, 0);
});

test("slash commands are performed, // sends, an unknown one is said with the list", async () => {
  const { asked, show, conversation, shown, text } = linked();
  await conversation.line("/cancel", true);
  await conversation.line("/wat", true);
  assert.match(text(), /\/wat is no command here/);
  const line = conversation.line("//end", false);
  await shown(/> \/end/);
  show(turnEnd);
  await line;
  assert.deepEqual(asked, ["cancel", "send /end"]);
  await conversation.line("/detach", true);
  assert.equal(await conversation.over, 0);
});

test("/end hands the word back once the end of the session has been shown", async () => {
  const { asked, show, conversation, text } = linked();
  let isBack = false;
  const line = conversation.line("/end", true).then(() => (isBack = true));
  for (let turns = 0; turns < 10; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([asked, isBack], [["end"], false]);
  show({ type: "session_end", reason: "completed" });
  await line;
  assert.match(text(), /the session has ended: completed/);
  assert.equal(await conversation.over, 0);
});

test("/end hands the word back where nothing can show the end any more", async () => {
  for (const gone of [
    { kind: "lost", reason: "reset", mayStart: false },
    { kind: "stopped", mayStart: false },
  ] as const) {
    const { put, conversation, shown } = linked();
    put({ kind: "lost", reason: "reset", mayStart: false });
    put({ kind: "back" });
    await shown(/connected again/);
    const line = conversation.line("/end", true);
    put(gone);
    await line;
    conversation.leave(0);
    await conversation.over;
  }
});

test("the end of the session ends the conversation", async () => {
  const { show, conversation } = linked();
  show({ type: "session_end", reason: "terminated" });
  assert.equal(await conversation.over, 0);
});

test("what a turn waits for is said each time, a problem of its tools once", async () => {
  const { show, put, shown, text } = linked();
  const problems = ["MCP server files: there is no program\u001b[2J"];
  put({ kind: "activity", problems: [] });
  put({ kind: "activity", reason: "starting MCP server files", problems: [] });
  put({ kind: "activity", problems });
  put({ kind: "activity", problems: [...problems, "MCP server tickets: it closed the connection"] });
  show(turnEnd);
  put({ kind: "activity", reason: "starting MCP server files", problems });
  put({ kind: "lost", reason: "over", mayStart: true });
  await shown(/over/);
  assert.deepEqual(text().split("\n").slice(0, 4), [
    "(starting MCP server files …)",
    "warning: MCP server files: there is no program␛[2J",
    "warning: MCP server tickets: it closed the connection",
    "(starting MCP server files …)",
  ]);
});
