import type { EventOf } from "../../schema/session-event.ts";
import { onTurn, type SessionState, type TurnState, type WaitingMessage } from "./state.ts";

/** As many as an agent's `max_messages` may ask for. */
const overheardMax = 10_000;
const speakersMax = 64;

/** What was said without starting a turn: what of it is shown with the next one is remembered by its place. */
export function overheard(state: SessionState, event: EventOf<"silent_message">): SessionState {
  const heard = met(state, event);
  if (!event.context) return heard;
  const entry = { seq: event.seq, at: Date.parse(event.timestamp) };
  return { ...heard, overheard: [...state.overheard, entry].slice(-overheardMax) };
}

/** Remembers what a sender is called, for people only: nothing is decided by it. */
export function met(state: SessionState, event: { sender_id?: string; sender_name?: string }): SessionState {
  const { sender_id: id, sender_name: name } = event;
  if (!state.gateway || id === undefined || name === undefined) return state;
  const newest = state.speakers.at(-1);
  if (newest?.id === id && newest.name === name) return state;
  const others = state.speakers.filter((speaker) => speaker.id !== id);
  return { ...state, speakers: [...others, { id, name }].slice(-speakersMax) };
}

/** What a sender is called in this chat; the id of who has said nothing lately. */
export const calledIn = ({ speakers }: Pick<SessionState, "speakers">, id: string): string =>
  speakers.find((speaker) => speaker.id === id)?.name ?? id;

/** `request_id` of what tells a sender that a message is not taken. */
export const rejectionId = ({ sessionId }: SessionState, message: WaitingMessage): string =>
  `${sessionId}.${message.messageId}.rejected`;

/** Tells a sender that a message is not taken. */
export const isRejection = ({ kind, request_id: id }: EventOf<"gateway_send">): boolean =>
  kind === "notice" && id.endsWith(".rejected");

/** `request_id` of what tells who asked a question that their next message waits for its answer. */
export const waitsId = (promptId: string): string => `${promptId}.waits`;

/** A sender that was told is not told again, also if the drop itself was lost. */
export function told(state: SessionState, event: EventOf<"gateway_send">): SessionState {
  if (event.kind === "notice" && event.request_id.endsWith(".waits")) return toldToWait(state, event.request_id);
  if (!isRejection(event)) return state;
  return {
    ...state,
    waiting: state.waiting.map((message) =>
      rejectionId(state, message) === event.request_id ? { ...message, rejected: true } : message,
    ),
  };
}

const toldToWait = (state: SessionState, requestId: string): SessionState =>
  onTurn(state, (turn) => ({
    ...turn,
    calls: turn.calls.map((call) =>
      call.question?.promptId !== undefined && waitsId(call.question.promptId) === requestId
        ? { ...call, question: { ...call.question, waitTold: true } }
        : call,
    ),
  }));

/** The newest message of the chat among those that a turn takes in; else the one that it answered before. */
export function answersOf(
  before: TurnState["answers"],
  taken: readonly Pick<WaitingMessage, "gatewayMessageId" | "threadId">[],
): TurnState["answers"] {
  const newest = taken.findLast((message) => message.gatewayMessageId !== undefined);
  return newest?.gatewayMessageId === undefined
    ? before
    : { messageId: newest.gatewayMessageId, threadId: newest.threadId };
}

/** In a chat, of messages of several people nobody can say whose the turn is: then no one of them may decide for the others. */
export function requesterOf({ gateway }: SessionState, taken: readonly WaitingMessage[]): string | undefined {
  const [first, ...others] = new Set(taken.map(({ senderId }) => senderId).filter((id) => id !== undefined));
  return gateway && others.length > 0 ? undefined : first;
}

/** The same once more messages have joined the turn. */
export const requesterStill = (state: SessionState, { requesterId }: TurnState, taken: readonly WaitingMessage[]) =>
  state.gateway && taken.some(({ senderId }) => senderId !== undefined && senderId !== requesterId)
    ? undefined
    : requesterId;
