import type { ApprovalId } from "../../schema/ids.ts";
import type { ApprovalChoice, EventOf } from "../../schema/session-event.ts";
import { closedPromptText, plainText } from "./approval-prompt.ts";
import { calledIn } from "./evolve-chat.ts";
import { onTurn, type CallState, type SessionState, type TurnState, type WaitingMessage } from "./state.ts";
import type { SendPlace } from "./step.ts";

/** What a chat is told of a failure is short. UTF-16 units. */
const causeLengthMax = 500;
const reasonLengthMax = 300;
const nameLengthMax = 64;

/** A response with text is said in the session's chat. What was cut off by a cancellation is not. */
export function sayResponse(state: SessionState, event: EventOf<"assistant_response">): SessionState {
  return event.stop_reason === "cancelled" ? state : say(state, event, "text", event.content);
}

/** A turn's last word, where it has one: its notice, or why it failed. */
export function sayTurnEnd(state: SessionState, event: EventOf<"turn_end">): SessionState {
  const failure = event.outcome === "failed" ? failureText(event.error) : "";
  return say(state, event, "notice", event.notice ?? failure);
}

/** The message that asked in the chat is to say what became of the question, and loses its buttons. */
export function closePrompt(state: SessionState, { call, question }: CallState, outcome: string): SessionState {
  if (!state.gateway || question?.promptId === undefined) return state;
  const edit = {
    requestId: `${question.promptId}.closed`,
    kind: "edit" as const,
    content: closedPromptText(call.tool_name, question.command, outcome),
    turnId: state.turn?.id,
    threadId: state.turn?.answers?.threadId,
    edits: question.promptId,
  };
  return { ...state, unsent: [...state.unsent, edit] };
}

/** `request_id` of the message that asks a question. */
export const promptIdOf = ({ sessionId }: Pick<SessionState, "sessionId">, approvalId: ApprovalId): string =>
  `${sessionId}.${approvalId}`;

/** What became of a question, for whoever reads the chat. */
export function decisionText(state: SessionState, event: EventOf<"approval_decision">): string {
  const { decided_by: by, decision, reason } = event;
  if (by === "expiry") return "Expired: nobody answered in time, so it does not run.";
  const line = plainText(reason ?? "", reasonLengthMax);
  const why = line === "" ? "" : `: ${line}`;
  return `${decisionWords[decision]} ${byWhom(state, by)}${why}`;
}

const decisionWords: Record<ApprovalChoice, string> = {
  allow_once: "Allowed once",
  allow_always: "Always allowed",
  deny: "Denied",
};

/** A message of somebody who may decide stands for no. */
export const supersededText = (state: SessionState, { senderId }: WaitingMessage): string =>
  `Denied: superseded by a new message${senderId === undefined ? "" : ` ${byWhom(state, senderId)}`}`;

/** The turn ended, or its session did. */
export const withdrawnText = "No longer asked: the turn ended before anybody decided.";

function byWhom(state: SessionState, id: string): string {
  if (id === "cli") return "over the command line";
  if (id === "http") return "over the API";
  return `by ${plainText(calledIn(state, id), nameLengthMax)}`;
}

/** Where a turn speaks: in the thread of the newest message that it took in; in groups after that message. */
export function placeOf({ gateway }: Pick<SessionState, "gateway">, turn: TurnState | null): SendPlace {
  if (!turn?.answers) return {};
  const { messageId, threadId } = turn.answers;
  return { replyTo: gateway?.chatType === "group" ? messageId : undefined, threadId };
}

function say(
  state: SessionState,
  event: EventOf<"assistant_response"> | EventOf<"turn_end">,
  kind: "text" | "notice",
  content: string,
): SessionState {
  if (!state.gateway || content.trim() === "") return state;
  const { replyTo, threadId } = placeOf(state, state.turn);
  const text = {
    requestId: `${state.sessionId}.${event.seq}`,
    kind,
    content,
    turnId: event.turn_id,
    replyTo: state.turn?.replied ? undefined : replyTo,
    threadId,
  };
  return onTurn({ ...state, unsent: [...state.unsent, text] }, (turn) => ({ ...turn, replied: true }));
}

function failureText(error: EventOf<"turn_end">["error"]): string {
  const cause = (error?.message ?? "something went wrong").replaceAll(/\s+/g, " ").trim();
  const short = cause.length <= causeLengthMax ? cause : `${Array.from(cause).slice(0, causeLengthMax).join("")}…`;
  const again = error?.retryable ? " Please try again in a moment." : "";
  return `Sorry, I could not finish this: ${short}${/[.!?…]$/.test(short) ? "" : "."}${again}`;
}
