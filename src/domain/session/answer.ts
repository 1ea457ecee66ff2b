import type { MessageId } from "../../schema/ids.ts";
import type { EventOf, SessionEvent, Usage } from "../../schema/session-event.ts";

/** What someone waits for: the turn that takes a message in, or goes on after an approval. */
export type Awaited = { messageId: MessageId } | { approvalId: string };

type TurnEnd = EventOf<"turn_end">;

/** What became of it so far, folded event by event from the message (or the decision) on. */
export type AnswerState = {
  readonly awaited: Awaited;
  readonly messageSeq: number | null;
  readonly delivery: string | null;
  readonly turnId: string | null;
  /** The turn that is open in the log here, whether or not it is the awaited one. */
  readonly openTurnId: string | null;
  readonly content: string;
  readonly responseId: string;
  readonly finishReason: string | undefined;
  readonly question: { callId: string; command: string; approvalId: string } | null;
  readonly end: { turnEnd: TurnEnd; content: string; messageId: string; usage: Usage } | null;
  readonly dropped: string | null;
  readonly sessionEnded: boolean;
};

export const awaiting = (awaited: Awaited): AnswerState => ({
  awaited,
  messageSeq: null,
  delivery: null,
  turnId: null,
  openTurnId: null,
  content: "",
  responseId: "",
  finishReason: undefined,
  question: null,
  end: null,
  dropped: null,
  sessionEnded: false,
});

/** Folds one event; events may start anywhere at or before the awaited turn's start. */
export function evolveAnswer(state: AnswerState, event: SessionEvent): AnswerState {
  if (state.end) return state;
  switch (event.type) {
    case "user_message":
      if (!("messageId" in state.awaited) || event.message_id !== state.awaited.messageId) return state;
      return { ...state, messageSeq: event.seq, delivery: event.delivery };
    case "messages_dropped":
      if (!("messageId" in state.awaited) || !event.message_ids.includes(state.awaited.messageId)) return state;
      return { ...state, dropped: event.reason };
    case "turn_start": {
      const taken = "messageId" in state.awaited && event.message_ids.includes(state.awaited.messageId);
      const openTurnId = event.turn_id ?? null;
      return {
        ...state,
        openTurnId,
        turnId: taken ? openTurnId : state.turnId,
        content: "",
        responseId: "",
        question: null,
      };
    }
    case "assistant_response":
      return responded(state, event);
    case "approval_required":
      return {
        ...state,
        // A question that a later message answered has no decision of its own in the log.
        turnId: isAwaited(state, event.approval_id) ? (event.turn_id ?? state.openTurnId) : state.turnId,
        question: { callId: event.call_id, command: event.command, approvalId: event.approval_id },
      };
    case "approval_decision":
      if (isAwaited(state, event.approval_id))
        return { ...state, turnId: event.turn_id ?? state.openTurnId, question: null };
      return { ...state, question: null };
    case "tool_result":
      return state.question?.callId === event.call_id ? { ...state, question: null } : state;
    case "turn_end":
      return turnEnded(state, event);
    case "session_end":
      return { ...state, sessionEnded: true };
    default:
      return state;
  }
}

const isAwaited = ({ awaited }: AnswerState, approvalId: string): boolean =>
  "approvalId" in awaited && awaited.approvalId === approvalId;

function responded(state: AnswerState, event: EventOf<"assistant_response">): AnswerState {
  const steeredIn =
    state.turnId === null &&
    state.delivery === "steer" &&
    state.messageSeq !== null &&
    state.messageSeq <= event.through_seq;
  return {
    ...state,
    turnId: steeredIn ? (event.turn_id ?? state.openTurnId) : state.turnId,
    content: event.content,
    responseId: event.message_id,
    finishReason: event.stop_reason,
  };
}

function turnEnded(state: AnswerState, event: TurnEnd): AnswerState {
  const turnId = event.turn_id ?? state.openTurnId;
  if (state.turnId === null || state.turnId !== turnId) return { ...state, openTurnId: null, question: null };
  const content = [state.content, event.notice ?? ""].filter((text) => text !== "").join("\n\n");
  return { ...state, end: { turnEnd: event, content, messageId: state.responseId, usage: event.usage } };
}
