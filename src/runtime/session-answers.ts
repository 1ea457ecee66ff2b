import { awaiting, evolveAnswer, type AnswerState, type Awaited } from "../domain/session/answer.ts";
import type { MessageId, SessionId } from "../schema/ids.ts";
import { DuragentError } from "../schema/problem.ts";
import type { SessionEvent } from "../schema/session-event.ts";
import type { LivingSession } from "./living-session.ts";
import type { Answer, Sessions } from "./runtime.ts";
import type { SessionRegistry } from "./session-registry.ts";

type Waiting = { timeoutMs: number; signal: AbortSignal };

/** Waiting for what becomes of a message or of an approved call: always told from durable events. */
export function sessionAnswers(registry: SessionRegistry): Pick<Sessions, "answer" | "answerDecision"> {
  return {
    answer: (id, messageId, waiting) => follow(registry, id, { messageId }, waiting),
    answerDecision: (id, approvalId, waiting) => follow(registry, id, { approvalId }, waiting),
  };
}

async function follow(registry: SessionRegistry, id: SessionId, awaited: Awaited, waiting: Waiting): Promise<Answer> {
  const { clock, store } = registry.parts;
  const until = clock.monotonic() + waiting.timeoutMs;
  let position: number | null = null;
  let state = awaiting(awaited);
  for (;;) {
    const session = await registry.get(id);
    session.holds += 1;
    try {
      const { version } = session.feed;
      position ??= (await seqOf(registry, session, awaited)) - 1;
      const head = session.log.durable.seq;
      const events: SessionEvent[] =
        session.log.kept.durableAfter(position) ??
        (await Array.fromAsync(store.read(id, { after: position, limit: 500 })));
      for (const event of events) {
        state = evolveAnswer(state, event);
        position = event.seq;
      }
      // What is left is of types that a newer program wrote, to be ignored by others.
      if (events.length === 0) position = Math.max(position, head);
      if (position < session.log.durable.seq) continue;
      const answer = answerOf(state, session);
      if (answer) return answer;
      const leftMs = until - clock.monotonic();
      if (leftMs <= 0 || waiting.signal.aborted) return open(state, session);
      await changed(session, version, leftMs, registry, waiting.signal);
    } finally {
      session.holds -= 1;
    }
  }
}

function answerOf(state: AnswerState, session: LivingSession): Answer | null {
  if (state.end) {
    const { turnEnd, content, messageId, usage } = state.end;
    const turnId = state.turnId ?? "";
    if (turnEnd.outcome === "failed") {
      const unknown = { code: "provider-error", message: "the turn failed", retryable: false };
      return { kind: "failed", turnId, error: turnEnd.error ?? unknown };
    }
    const { outcome } = turnEnd;
    const finishReason = state.finishReason === undefined ? {} : { finishReason: state.finishReason };
    return { kind: "ended", turnId, messageId, content, usage, outcome, ...finishReason };
  }
  if (state.dropped !== null) return { kind: "dropped", reason: state.dropped };
  if (state.sessionEnded) return { kind: "session_ended" };
  if (state.turnId !== null && state.question) return { kind: "pending_approval", ...state.question };
  const rests = session.runner === null && session.log.tail.seq === session.log.durable.seq;
  if (rests && session.log.durable.status === "paused") return open(state, session);
  return null;
}

const open = (state: AnswerState, session: LivingSession): Answer => ({
  kind: "open",
  ...(state.turnId === null ? {} : { turnId: state.turnId }),
  status: session.log.durable.status === "paused" ? "paused" : "running",
});

/** Where the message, or the decision, stands in the log. */
async function seqOf(registry: SessionRegistry, session: LivingSession, awaited: Awaited): Promise<number> {
  const is = (event: SessionEvent): boolean =>
    "messageId" in awaited
      ? event.type === "user_message" && event.message_id === (awaited.messageId satisfies MessageId)
      : // A question that a message answered has no decision of its own.
        (event.type === "approval_decision" || event.type === "approval_required") &&
        event.approval_id === awaited.approvalId;
  const near = session.log.kept.durable().findLast(is);
  if (near) return near.seq;
  for await (const event of registry.parts.store.read(session.id, { backwards: true })) if (is(event)) return event.seq;
  throw new DuragentError("not-found", "the session has no such message or approval");
}

function changed(
  session: LivingSession,
  version: number,
  leftMs: number,
  { parts }: SessionRegistry,
  signal: AbortSignal,
): Promise<void> {
  if (session.feed.version !== version || session.closed) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = (): void => {
      unlisten();
      cancel();
      signal.removeEventListener("abort", stop);
      resolve();
    };
    const unlisten = session.feed.listen(stop);
    const cancel = parts.clock.after(leftMs, stop);
    signal.addEventListener("abort", stop);
  });
}
