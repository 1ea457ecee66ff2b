import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import fc from "fast-check";

import { approvalButton } from "../../../src/domain/gateways/approval-button.ts";
import { promptText } from "../../../src/domain/session/approval-prompt.ts";
import type { Step } from "../../../src/domain/session/step.ts";
import { decisionEvents } from "../../../src/runtime/decision-events.ts";
import type { DraftOf, EventDraft } from "../../../src/schema/session-event.ts";
import { appr, at, calls, events as e, given, msg, sessionId } from "../../support/given-when-then.ts";

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
const promptId = `${sessionId}.${appr(1)}`;
const tools = { x: { policy: "ask" as const, command: "rm -rf build", always: true } };

const begun = (chatType: "dm" | "group" = "group"): EventDraft[] => [
  e.start({ gateway: "tg", gateway_chat_id: "7", gateway_chat_type: chatType }),
  e.message(1, {
    source: "gateway:tg",
    sender_id: "u1",
    sender_name: "Bob [x](y)",
    gateway_message_id: "p1",
    thread_id: "t1",
  }),
  e.turn(1, [1]),
  e.response(3, { content: "", tool_calls: calls("x") }),
];
const prompt = e.send(promptId, { kind: "approval", gateway: "tg", chat_id: "7" });
const asked = (): EventDraft[] => [
  ...begun(),
  prompt,
  e.asked(1, "x", { requester_id: "u1", command: "rm -rf build" }),
];

const written = (log: ReturnType<typeof given>, step: Step): EventDraft[] =>
  decisionEvents(log.state, step, { timestamp: at(0), ulid: () => appr(1).slice(5), workerId: "w", digest });

test("in a chat a question is asked by a message before it, in the same write: what would run, and a button for each answer", () => {
  const log = given(...begun());
  const [send, question] = written(log, log.next({ tools, limits: { approvalTimeoutMs: 900_000 } }));
  assert.equal(question?.type, "approval_required");
  const button = (text: string, choice: "allow_once" | "allow_always" | "deny") => ({
    text,
    callback_data: approvalButton(choice, appr(1), digest),
  });
  assert.deepEqual(send, {
    timestamp: at(0),
    turn_id: log.state.turn?.id,
    type: "gateway_send",
    request_id: promptId,
    kind: "approval",
    gateway: "tg",
    chat_id: "7",
    content:
      "**Approval needed:** `x` wants to run\n```\nrm -rf build\n```\n\nWithout an answer within 15 min it is denied.",
    reply_to: "p1",
    thread_id: "t1",
    inline_keyboard: {
      rows: [[button("Allow once", "allow_once"), button("Always allow", "allow_always"), button("Deny", "deny")]],
    },
  });
});

test("of a turn that several people's messages started no one of them may decide, and the question says so", () => {
  const message = (n: number, sender: string) =>
    e.message(n, { source: "gateway:tg", sender_id: sender, gateway_message_id: `p${n}` });
  const started = (...senders: string[]) => [
    e.start({ gateway: "tg", gateway_chat_id: "7", gateway_chat_type: "group" }),
    ...senders.map((sender, index) => message(index + 1, sender)),
    e.turn(
      1,
      senders.map((_, index) => index + 1),
    ),
    e.response(2 + senders.length, { content: "", tool_calls: calls("x") }),
  ];
  const together = given(...started("ann", "eve"));
  const [send, question] = written(together, together.next({ tools }));
  assert.ok(send?.type === "gateway_send" && question?.type === "approval_required");
  assert.equal(question.requester_id, undefined);
  assert.match(send.content, /Only an approver can allow it: several people asked at once/);
  const joined = given(
    ...started("ann").slice(0, 3),
    message(2, "eve"),
    e.response(4, { content: "", tool_calls: calls("x") }),
  );
  const [, mixed] = written(joined, joined.next({ tools }));
  assert.ok(mixed?.type === "approval_required" && mixed.requester_id === undefined);
  const alone = given(...started("ann", "ann"));
  const [, own] = written(alone, alone.next({ tools }));
  assert.ok(own?.type === "approval_required" && own.requester_id === "ann");
});

test("always is not offered where nothing would be kept, and in a direct chat nothing is replied to", () => {
  const log = given(...begun("dm"));
  const [send] = written(log, log.next({ tools: { x: { ...tools.x, always: false } } }));
  assert.ok(send?.type === "gateway_send");
  assert.deepEqual(
    send.inline_keyboard?.rows.map((row) => row.map(({ text }) => text)),
    [["Allow once", "Deny"]],
  );
  assert.deepEqual([send.reply_to, send.thread_id], [undefined, "t1"]);
});

test("a question of a chat is announced nowhere else, also when nobody is attached", () => {
  const limits = { announceTo: { channel: "ops" } };
  const step = given(
    ...begun(),
    e.control("resume", { unattended: true }),
    e.status("active", "running", "detach"),
  ).next({
    tools,
    limits,
    attached: false,
  });
  assert.ok(step.type === "request_approval" && step.announceTo === null && step.prompt);
});

test("a question of another session is announced to a chat without buttons, with how to answer it", () => {
  const log = given(
    e.start({ on_disconnect: "continue" }),
    e.message(1),
    e.turn(1, [1]),
    e.response(3, { tool_calls: calls("x") }),
    e.status("active", "running", "detach"),
  );
  const limits = { announceTo: { gateway: "tg", chat_id: "9" } };
  const [send, question] = written(log, log.next({ tools, limits, attached: false }));
  assert.equal(question?.type, "approval_required");
  assert.ok(send?.type === "gateway_send");
  assert.deepEqual([send.gateway, send.chat_id, send.inline_keyboard], ["tg", "9", undefined]);
  assert.ok(send.content.includes("```\nrm -rf build\n```") && send.content.includes(`duragent attach ${sessionId}`));
  const closed = given(...log.log, { ...send }, e.asked(1, "x"), e.decided(1, "x", "deny"));
  assert.deepEqual(closed.state.unsent, [], "it has no buttons to take away");
});

const edited = (...more: EventDraft[]): DraftOf<"gateway_send"> => {
  const log = given(...asked(), ...more);
  const step = log.next({ tools });
  assert.equal(step.type, "record_send");
  const [send] = written(log, step);
  assert.ok(send?.type === "gateway_send" && send.kind === "edit");
  assert.deepEqual([send.request_id, send.edits], [`${promptId}.closed`, promptId]);
  assert.equal(send.inline_keyboard, undefined);
  assert.ok(send.content.startsWith("**Approval:** `x` wants to run\n```\nrm -rf build\n```\n\n"), send.content);
  assert.equal(given(...asked(), ...more, send).state.unsent.length, 0);
  return send;
};
const outcomeOf = (...more: EventDraft[]): string =>
  edited(...more)
    .content.split("\n\n")
    .at(-1) ?? "";

test("the message says what became of the question, and by whom", () => {
  assert.equal(outcomeOf(e.decided(1, "x", "allow_once", "u1")), "Allowed once by Bob \\[x\\](y)");
  assert.equal(outcomeOf(e.decided(1, "x", "allow_always", "u2")), "Always allowed by u2");
  assert.equal(outcomeOf(e.decided(1, "x", "deny", "http")), "Denied over the API");
  assert.equal(outcomeOf(e.decided(1, "x", "deny", "expiry")), "Expired: nobody answered in time, so it does not run.");
  const stop = e.message(2, { source: "gateway:tg", sender_id: "u1", sender_name: "Bob" });
  assert.equal(outcomeOf(stop), "Denied: superseded by a new message by Bob");
});

test("it says so also when the turn is cancelled or its session ends, and when the result comes from elsewhere", () => {
  const withdrawn = "No longer asked: the turn ended before anybody decided.";
  for (const action of ["cancel", "end"] as const) {
    const log = given(...asked(), e.control(action));
    const cancel = log.next({ tools });
    assert.equal(cancel.type, "cancel_turn");
    assert.equal(outcomeOf(e.control(action), ...written(log, cancel)), withdrawn);
  }
  assert.equal(outcomeOf(e.result("x", "denied")), withdrawn);
});

test("an answer after the first changes nothing, and a question that no message asked is not edited", () => {
  assert.equal(
    given(...asked(), e.decided(1, "x", "deny", "u1"), e.decided(1, "x", "allow_once", "u2")).state.unsent.length,
    1,
  );
  assert.deepEqual(given(...begun(), e.asked(1, "x"), e.decided(1, "x", "deny", "u1")).state.unsent, []);
});

test("a message that waits for its question alone is asked anew, with another", () => {
  given(...begun(), prompt).then({ type: "request_approval" }, { tools });
});

test("nothing in a command ends its code block or hides, and however long it is it fits a message", () => {
  const text = (command: string) => promptText("bash", command, null);
  // Not every platform knows fences of more than three.
  assert.match(text("echo ```\n`````\n||free||"), /run\n```\necho ⟨3 backticks⟩\n⟨5 backticks⟩\n\|\|free\|\|\n```$/);
  assert.match(text("rm \u202e-rf\u0007 /"), /rm <U\+202E>-rf␇ \//);
  const long = text(`begin ${"y".repeat(50_000)} end`);
  assert.match(long, /begin y+\n\[… \d+ characters left out …\]\ny+ end\n```\n\(Shortened: \d+ characters/);
  const piece = fc.constantFrom("`", "``", "\n", "~~~", "😀", "a", " ");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 9_000, size: "max" }), (pieces) => {
      const shown = text(pieces.join(""));
      assert.equal(shown.split("```").length, 3, "the block ends where it was meant to");
      assert.match(shown, /^[^\n]*\n```\n[^]*\n```(?:\n\(Shortened[^\n]*)?$/);
      assert.ok(shown.length < 3_400);
    }),
    { numRuns: 60 },
  );
});

test("the message of a decision is not made of what names or reasons hold", () => {
  const named = e.message(2, { delivery: "queue", sender_id: "u2", sender_name: "*a*_b_`c`~<@1>@all#" });
  const text = outcomeOf(named, { ...e.decided(1, "x", "deny", "u2"), reason: "no\n# big" } as EventDraft);
  assert.equal(text, "Denied by \\*a\\*\\_b\\_\\`c\\`\\~\\<\\@1\\>\\@all\\#: no \\# big");
});

test("the model is told by name who said no, by id where the chat knows no name", () => {
  const closed = e.send(`${promptId}.closed`, { kind: "edit" });
  for (const [by, name] of [
    ["u1", "Bob [x](y)"],
    ["u2", "u2"],
  ] as const)
    given(...asked(), e.decided(1, "x", "deny", by), closed).then(
      { type: "deny_call", why: `denied by ${name}` },
      { tools },
    );
});

test("what a turn was asked by is known by the platform's ids of the newest message that it took in", () => {
  const second = e.message(2, { source: "gateway:tg", gateway_message_id: "p2", thread_id: "t2" });
  const log = given(...begun().slice(0, 3), second, e.message(3), e.response(5, { content: "hi" }));
  assert.deepEqual(log.state.turn?.answers, { messageId: "p2", threadId: "t2" });
  assert.deepEqual(log.state.turn?.messageIds, [msg(1), msg(2), msg(3)]);
});
