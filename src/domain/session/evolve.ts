import type { EventOf, SessionEvent } from "../../schema/session-event.ts";
import { charged } from "../limits/spending.ts";
import { sayResponse, sayTurnEnd } from "./chat-sends.ts";
import { evolveCalls, supersede } from "./evolve-calls.ts";
import { answersOf, met, overheard, requesterOf, requesterStill, told } from "./evolve-chat.ts";
import {
  addUsage,
  emptyUsage,
  onTurn,
  timeOf,
  worked,
  type CallState,
  type SessionState,
  type TurnState,
  type WaitingMessage,
} from "./state.ts";

const titleLength = 80;
const samplesMax = 8;

/** What is so after one more event. Never throws on a prefix of a valid log; an event that changes nothing only moves `seq`. */
export function evolve(state: SessionState, event: SessionEvent): SessionState {
  const next = { ...state, seq: event.seq, updatedAt: event.timestamp };
  // Written by another implementation, before this one opened the log: all of it counts as answered.
  if (event.legacy) return evolveLegacy(next, event);
  return change(charged(next, event), event);
}

function change(state: SessionState, event: SessionEvent): SessionState {
  switch (event.type) {
    case "session_start":
      return started(state, event);
    case "session_end":
      return { ...state, ended: true, status: "ended", turn: null, waiting: [], unsent: [] };
    case "status_change":
      return statusChanged(state, event);
    case "user_message":
      return messageCame(state, event);
    case "messages_dropped":
      return { ...state, waiting: state.waiting.filter((message) => !event.message_ids.includes(message.messageId)) };
    case "control_requested":
      return controlled(state, event);
    case "turn_start":
      return turnStarted(state, event);
    case "turn_resumed":
      return onTurn(state, (turn) => ({
        ...turn,
        resumptions: event.attempt,
        crashes: event.cause === "crash" ? turn.crashes + 1 : turn.crashes,
        epoch: event.epoch ?? turn.epoch,
      }));
    case "assistant_response":
      return responded(state, event);
    case "tool_start":
    case "tools_skipped":
    case "tool_result":
    case "approval_required":
    case "approval_decision":
      return evolveCalls(state, event);
    case "turn_end":
      return {
        ...sayTurnEnd(state, event),
        turn: null,
        samples: [...state.samples, ...(state.turn?.samples ?? [])].slice(-samplesMax),
        lastTurnEnd: event.seq,
        backgroundSpent: false,
      };
    case "usage_recorded":
      return onTurn(worked({ ...state, usage: addUsage(state.usage, event.usage) }, event.latency_ms ?? 0), (turn) => ({
        ...turn,
        usage: addUsage(turn.usage, event.usage),
      }));
    case "context_compacted":
      return onTurn(
        { ...state, compactedThrough: event.through_seq, usage: addUsage(state.usage, event.usage) },
        (turn) => ({ ...turn, compacted: true, usage: addUsage(turn.usage, event.usage) }),
      );
    case "gateway_send":
      return {
        ...told(state, event),
        unsent: state.unsent.filter((text) => text.requestId !== event.request_id),
        sends: [...state.sends, event],
      };
    case "gateway_delivery":
      return { ...state, sends: state.sends.filter((send) => send.request_id !== event.request_id) };
    case "process_started":
      return { ...state, processes: [...state.processes, event] };
    case "process_ended":
      return { ...state, processes: state.processes.filter((process) => process.handle !== event.handle) };
    case "silent_message":
      return overheard(state, event);
    case "error":
      return state;
    default:
      event satisfies never;
      // An ignorable type of a newer program.
      return state;
  }
}

function started(state: SessionState, event: EventOf<"session_start">): SessionState {
  return {
    ...state,
    sessionId: event.session_id,
    agent: event.agent,
    agentSpec: event.agent_spec,
    labels: event.labels,
    parent: event.parent,
    onDisconnect: event.on_disconnect,
    gateway: event.gateway
      ? {
          name: event.gateway,
          chatId: event.gateway_chat_id ?? "",
          chatType: event.gateway_chat_type === "dm" ? "dm" : "group",
        }
      : null,
    createdAt: event.timestamp,
  };
}

function statusChanged(state: SessionState, event: EventOf<"status_change">): SessionState {
  return {
    ...state,
    status: event.to,
    statusSince: Date.parse(event.timestamp),
    // The background clock starts when the last client has left, and a client ends it.
    backgroundMs: 0,
    backgroundSpent: event.cause === "background_limit",
    // The record of the end itself may have been lost: nothing but it may follow.
    endAsked:
      event.to === "ended"
        ? (state.endAsked ?? { at: Date.parse(event.timestamp), reason: "timeout" })
        : state.endAsked,
  };
}

function messageCame(state: SessionState, event: EventOf<"user_message">): SessionState {
  const message: WaitingMessage = {
    messageId: event.message_id,
    seq: event.seq,
    delivery: event.delivery,
    senderId: event.sender_id,
    textUnits: event.content.length,
    at: Date.parse(event.timestamp),
    notBefore: timeOf(event.not_before),
    unattended: event.unattended === true,
    mayDecide: event.may_decide === true,
    source: event.source,
    gatewayMessageId: event.gateway_message_id,
    threadId: event.thread_id,
  };
  const wakes = event.delivery !== "queue";
  return supersede(
    {
      ...met(state, event),
      title: state.title ?? titleOf(event.content),
      waiting: [...state.waiting, message],
      pauseAsked: state.pauseAsked && !wakes,
      backgroundSpent: false,
      backgroundMs: state.backgroundSpent ? 0 : state.backgroundMs,
    },
    message,
  );
}

function controlled(state: SessionState, event: EventOf<"control_requested">): SessionState {
  switch (event.action) {
    case "cancel":
      return onTurn(state, (turn) => ({ ...turn, cancelAsked: true }));
    case "pause":
      return { ...state, pauseAsked: true };
    case "resume":
      return resumed(state, event.unattended === true);
    case "end":
      return state.endAsked
        ? state
        : { ...state, endAsked: { at: Date.parse(event.timestamp), reason: "completed" }, pauseAsked: false };
  }
}

/** Whoever asks for it and does not stay wants the open work done without a client. */
function resumed(state: SessionState, unattended: boolean): SessionState {
  const waiting = unattended ? state.waiting.map((message) => ({ ...message, unattended })) : state.waiting;
  return onTurn({ ...state, waiting, pauseAsked: false, backgroundSpent: false, backgroundMs: 0 }, (turn) => ({
    ...turn,
    unattended: turn.unattended || unattended,
  }));
}

function turnStarted(state: SessionState, event: EventOf<"turn_start">): SessionState {
  const taken = state.waiting.filter((message) => event.message_ids.includes(message.messageId));
  const turn: TurnState = {
    id: event.turn_id ?? neverTurn,
    messageIds: event.message_ids,
    startSeq: event.seq,
    startedAt: Date.parse(event.timestamp),
    agentDigest: event.agent_digest,
    traceId: event.trace_id,
    unattended: taken.some((message) => message.unattended),
    requesterId: requesterOf(state, taken),
    responses: 0,
    lastResponse: null,
    calls: [],
    workMs: 0,
    usage: emptyUsage,
    tokens: {},
    samples: [],
    cancelAsked: false,
    crashes: 0,
    resumptions: 0,
    epoch: event.epoch ?? 0,
    compacted: false,
    answers: answersOf(null, taken),
    replied: false,
  };
  return {
    ...state,
    ...(event.notes === undefined ? {} : { notes: event.notes }),
    turn,
    waiting: state.waiting.filter((message) => !taken.includes(message)),
    overheard: [],
  };
}

const neverTurn = "turn_00000000000000000000000000" as TurnState["id"];

function responded(state: SessionState, event: EventOf<"assistant_response">): SessionState {
  const taken = state.turn
    ? state.waiting.filter((message) => message.delivery === "steer" && message.seq <= event.through_seq)
    : [];
  const after = onTurn(worked(state, event.latency_ms), (turn) => ({
    ...turn,
    responses: turn.responses + 1,
    messageIds: [...turn.messageIds, ...taken.map((message) => message.messageId)],
    unattended: turn.unattended || taken.some((message) => message.unattended),
    lastResponse: { seq: event.seq, throughSeq: event.through_seq, stopReason: event.stop_reason },
    calls: openedCalls(event),
    answers: answersOf(turn.answers, taken),
    requesterId: requesterStill(state, turn, taken),
    usage: addUsage(turn.usage, event.usage),
    samples: [...turn.samples, ...sampleOf(event)].slice(-samplesMax),
    crashes: 0,
  }));
  return sayResponse(
    {
      ...after,
      usage: addUsage(state.usage, event.usage),
      waiting: state.waiting.filter((message) => !taken.includes(message)),
    },
    event,
  );
}

/** A call id that comes twice is one call: it has one result. */
function openedCalls(event: EventOf<"assistant_response">): CallState[] {
  const calls = event.tool_calls ?? [];
  return calls
    .filter((call, index) => calls.findIndex((other) => other.call_id === call.call_id) === index)
    .map((call) => ({ call, status: "waiting", denial: null, question: null, attempt: 0, idempotencyKey: null }));
}

const sampleOf = ({ estimated_tokens: estimatedTokens, usage }: EventOf<"assistant_response">) =>
  estimatedTokens === undefined || !usage ? [] : [{ estimatedTokens, reportedTokens: usage.prompt_tokens }];

function evolveLegacy(state: SessionState, event: SessionEvent): SessionState {
  switch (event.type) {
    case "session_start":
      return started(state, event);
    case "user_message":
      return { ...state, title: state.title ?? titleOf(event.content) };
    case "assistant_response":
      return { ...state, usage: addUsage(state.usage, event.usage) };
    case "session_end":
      return { ...state, ended: true, status: "ended" };
    case "status_change":
      return event.to === "ended" ? { ...state, ended: true, status: "ended" } : state;
    default:
      return state;
  }
}

// The first 80 characters, never half of a pair.
const titleOf = (content: string): string =>
  Array.from(
    content
      .replace(/\s+/g, " ")
      .trim()
      .slice(0, titleLength * 2),
  )
    .slice(0, titleLength)
    .join("");
