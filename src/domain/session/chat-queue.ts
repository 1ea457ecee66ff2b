import { rejectionId, waitsId } from "./evolve-chat.ts";
import { pendingCall, type SessionState, type Unsent, type WaitingMessage } from "./state.ts";
import type { DropCause, Notice, QueueRules, Step, StepContext } from "./step.ts";

/** Sends that wait for their delivery: beyond these a sender is not told, so that a flood does not fill the outbox. */
const openSendsMax = 100;

type Drop = Extract<Step, { type: "drop_messages" }>;

/** Messages of a session's chat that its queue does not take, chosen as soon as they are there; `null`: it takes all. */
export function queueDrop(state: SessionState, context: StepContext): Drop | null {
  const rules = context.limits.queue;
  if (!rules || !state.gateway) return null;
  const waiting = waitingOfChat(state, context);
  const rejected = waiting.filter((message) => message.rejected);
  if (rejected.length > 0) return drop(rejected, "rejected", "the queue was full (overflow reject)");
  if (rules.mode === "drop" && state.turn) {
    const { startSeq } = state.turn;
    const late = waiting.filter((message) => message.seq > startSeq);
    return late.length > 0 ? drop(late, "busy", "a turn was working (queue mode drop)") : null;
  }
  const excess = waiting.length - rules.maxPending;
  if (excess <= 0) return null;
  const left = rules.overflow === "drop_old" ? waiting.slice(0, excess) : waiting.slice(rules.maxPending);
  const reason = `more than ${rules.maxPending} messages waited (overflow ${rules.overflow})`;
  return drop(
    left,
    overflowCauses[rules.overflow],
    reason,
    rules.overflow === "reject" ? rejections(state, left, rules) : [],
  );
}

/** As many messages of its chat wait as may. */
export function isQueueFull(state: SessionState, context: StepContext): boolean {
  const rules = context.limits.queue;
  return rules !== null && state.gateway !== null && waitingOfChat(state, context).length >= rules.maxPending;
}

/**
 * One by one, what somebody writes after their own question waits for its answer: they are told so, once for each
 * question. Others are not: it is not theirs to answer.
 */
export function waitsForAnswer(state: SessionState, context: StepContext): Unsent | null {
  if (context.limits.queue?.mode !== "sequential" || !state.gateway || state.sends.length >= openSendsMax) return null;
  const { promptId, requesterId, seq, waitTold } = pendingCall(state)?.question ?? {};
  if (promptId === undefined || requesterId === undefined || seq === undefined || waitTold) return null;
  const first = waitingOfChat(state, context).find((message) => message.senderId === requesterId && message.seq > seq);
  if (!first) return null;
  return {
    requestId: waitsId(promptId),
    kind: "notice",
    content: "This waits until the question above is answered.",
    turnId: state.turn?.id,
    replyTo: first.gatewayMessageId,
    threadId: first.threadId,
  };
}

/** What a running model call shows is as good as taken in; an interruption is none that waits. */
function waitingOfChat(state: SessionState, { running }: StepContext): WaitingMessage[] {
  const source = `gateway:${state.gateway?.name ?? ""}`;
  const shownThrough = running?.throughSeq ?? 0;
  return state.waiting.filter(
    (message) =>
      message.source === source &&
      message.delivery !== "interrupt" &&
      !(message.delivery === "steer" && message.seq <= shownThrough),
  );
}

const rejections = (
  state: SessionState,
  messages: readonly WaitingMessage[],
  { rejectMessage }: QueueRules,
): Notice[] =>
  messages.slice(0, Math.max(0, openSendsMax - state.sends.length)).map((message) => ({
    requestId: rejectionId(state, message),
    content: rejectMessage,
    replyTo: message.gatewayMessageId,
    threadId: message.threadId,
  }));

const overflowCauses: Record<QueueRules["overflow"], DropCause> = {
  drop_old: "overflow_old",
  drop_new: "overflow_new",
  reject: "rejected",
};

const drop = (messages: readonly WaitingMessage[], cause: DropCause, reason: string, notices: Notice[] = []): Drop => ({
  type: "drop_messages",
  messageIds: messages.map((message) => message.messageId),
  cause,
  reason,
  notices,
});
