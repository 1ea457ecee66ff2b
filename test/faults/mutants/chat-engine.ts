import type { Mutant } from "../mutant.ts";

const properties = "test/domain/session/chats.property.test.ts";
const queue = "test/domain/session/chat-queue.test.ts";
const context = "test/domain/session/group-context.test.ts";
const approvals = "test/domain/session/chat-approvals.test.ts";
const sends = "test/domain/session/chat-sends.test.ts";
const runtime = "test/runtime/chats.test.ts";

/** Faults put into how the engine takes a chat's messages, shows it what was said, asks and answers in it; each must turn its test red. */
export const chatEngineMutants: readonly Mutant[] = [
  {
    name: "a full queue drops what it is to reject without a word",
    file: "src/domain/session/chat-queue.ts",
    find: 'rules.overflow === "reject" ? rejections(state, left, rules) : []',
    replace: "[]",
    test: properties,
  },
  {
    name: "the word that a message is rejected is lost with a cut write",
    file: "src/runtime/decision-events.ts",
    find: "        ...step.notices.map((notice): EventDraft => ({",
    replace:
      '        { timestamp, type: "messages_dropped" as const, message_ids: step.messageIds, reason: step.reason },\n        ...step.notices.map((notice): EventDraft => ({',
    test: properties,
  },
  {
    name: "who was told of a rejection is answered after a crash",
    file: "src/domain/session/evolve-chat.ts",
    find: "? { ...message, rejected: true } : message",
    replace: "? { ...message } : message",
    test: queue,
  },
  {
    name: "a working turn drops messages that did not come over the chat",
    file: "src/domain/session/chat-queue.ts",
    find: "message.source === source &&",
    replace: "",
    test: properties,
  },
  {
    name: "a working turn drops what came before it",
    file: "src/domain/session/chat-queue.ts",
    find: "waiting.filter((message) => message.seq > startSeq)",
    replace: "waiting.filter((message) => message.seq > 0 && startSeq > 0)",
    test: queue,
  },
  {
    name: "what a running model call shows is dropped",
    file: "src/domain/session/chat-queue.ts",
    find: "running?.throughSeq ?? 0",
    replace: "0 * (running?.throughSeq ?? 0)",
    test: queue,
  },
  {
    name: "the newest are dropped where the oldest should be",
    file: "src/domain/session/chat-queue.ts",
    find: "waiting.slice(0, excess)",
    replace: "waiting.slice(-excess)",
    test: queue,
  },
  {
    name: "one by one takes all that wait",
    file: "src/domain/session/next-step.ts",
    find: "ripe.slice(0, 1)",
    replace: "ripe.slice(0)",
    test: properties,
  },
  {
    name: "a full queue is seen to only between the steps of a turn",
    file: "src/runtime/while-running.ts",
    find: 'step.type === "resume" || step.type === "drop_messages"',
    replace: 'step.type === "resume"',
    test: runtime,
  },
  {
    name: "what a group said is shown again with the next turn",
    file: "src/domain/session/evolve.ts",
    find: "    overheard: [],\n",
    replace: "",
    test: context,
  },
  {
    name: "what a group said stays in the conversation after its turn",
    file: "src/domain/session/conversation.ts",
    find: 'context.filter((said) => said.disposition === "passive")',
    replace: "context",
    test: context,
  },
  {
    name: "what is older than a turn may be shown is shown to it",
    file: "src/domain/session/conversation.ts",
    find: "this.overheard.filter((said) => said.seq >= contextFrom)",
    replace: "this.overheard",
    test: context,
  },
  {
    name: "a member's line break begins another's line",
    file: "src/domain/session/group-context.ts",
    find: '.replaceAll(/[ \\t]*[\\r\\n\\u0085\\u2028\\u2029]+[ \\t]*/g, " ⏎ ")',
    replace: "",
    test: context,
  },
  {
    name: "what a turn was shown of its group is let go of while it works",
    file: "src/runtime/model-calls/context-start.ts",
    find: "[overheardFrom, contextAt(history, boundary)]",
    replace: "[overheardFrom]",
    test: "test/runtime/model-calls/context-start.test.ts",
  },
  {
    name: "all that a group says between two turns stays in memory",
    file: "src/runtime/model-calls/context-start.ts",
    find: "(ends || !works)",
    replace: "ends",
    test: "test/runtime/model-calls/context-start.test.ts",
    only: "for long without",
  },
  {
    name: "a fork names the other session's place of what its group said",
    file: "src/domain/session/fork.ts",
    find: "undefined : seqNow(rest.context_from)",
    replace: "undefined : rest.context_from",
    test: "test/domain/session/fork.test.ts",
  },
  {
    name: "a question stands in a chat's log before the message that asks it",
    file: "src/runtime/question-events.ts",
    find: "return [promptEvent(state, step, step.prompt, base, asking), question];",
    replace: "return [question, promptEvent(state, step, step.prompt, base, asking)];",
    test: properties,
  },
  {
    name: "a question that expired keeps its buttons",
    file: "src/domain/session/evolve-calls.ts",
    find: "closePrompt(state, call, decisionText(state, event))",
    replace: 'event.decided_by === "expiry" ? state : closePrompt(state, call, decisionText(state, event))',
    test: properties,
  },
  {
    name: "a question that a message answered keeps its buttons",
    file: "src/domain/session/evolve-calls.ts",
    find: "closePrompt(state, asked, supersededText(state, message))",
    replace: "state",
    test: properties,
  },
  {
    name: "a question of a cancelled turn keeps its buttons",
    file: "src/domain/session/evolve-calls.ts",
    find: "answered(closePrompt(state, asked, withdrawnText), asked",
    replace: "answered(state, asked",
    test: properties,
  },
  {
    name: "always is offered where nothing is kept",
    file: "src/runtime/question-events.ts",
    find: "...(always ? [",
    replace: "...(always || step.prompt ? [",
    test: approvals,
  },
  {
    name: "a command ends its own code block",
    file: "src/domain/session/approval-prompt.ts",
    find: "/`{3,}/g",
    replace: "/`{41,}/g",
    test: approvals,
  },
  {
    name: "a question of a chat is announced elsewhere too",
    file: "src/domain/session/next-turn-step.ts",
    find: "attached || inChat ?",
    replace: "attached ?",
    test: approvals,
  },
  {
    name: "every text of a turn refers to its message",
    file: "src/domain/session/chat-sends.ts",
    find: "replyTo: state.turn?.replied ? undefined : replyTo",
    replace: "replyTo",
    test: sends,
  },
  {
    name: "a turn that failed leaves its chat without a word",
    file: "src/domain/session/chat-sends.ts",
    find: 'event.outcome === "failed" ? failureText(event.error) : ""',
    replace: '""',
    test: runtime,
  },
  {
    name: "a chat's session waits for a client although its gateway is there",
    file: "src/runtime/living-session.ts",
    find: "this.attachedCount > 0 || this.isHeldByGateway",
    replace: "this.attachedCount > 0",
    test: runtime,
  },
  {
    name: "a question in a group waits for ever",
    file: "src/runtime/chat-limits.ts",
    find: "approvalTimeoutMs ?? (isGroup ? groupApprovalTimeoutMs : null)",
    replace: "approvalTimeoutMs",
    test: runtime,
  },
];
