import { terminalLine } from "../terminal-text.ts";
import type { ApprovalChoice, EventOf } from "../../schema/session-event.ts";
import { closePrompt, decisionText, promptIdOf, supersededText, withdrawnText } from "./chat-sends.ts";
import { calledIn } from "./evolve-chat.ts";
import {
  onTurn,
  timeOf,
  worked,
  type CallState,
  type DecidedApproval,
  type SessionState,
  type WaitingMessage,
} from "./state.ts";

const decidedMax = 64;
const nameLengthMax = 64;

type CallEvent = EventOf<"tool_start" | "tools_skipped" | "tool_result" | "approval_required" | "approval_decision">;

/** What an event about one of the open response's calls changes. */
export function evolveCalls(state: SessionState, event: CallEvent): SessionState {
  switch (event.type) {
    case "tool_start":
      return onCall(state, event.call_id, (call) => ({
        ...call,
        status: "started",
        attempt: event.attempt,
        idempotencyKey: event.idempotency_key,
      }));
    case "tools_skipped":
      return event.call_ids.reduce((after, callId) => settled(after, callId, event.seq), state);
    case "tool_result":
      return resulted(state, event);
    case "approval_required":
      return onCall(state, event.call_id, (call) => ({
        ...call,
        status: "asked",
        question: {
          approvalId: event.approval_id,
          requestedAt: event.timestamp,
          expiresAt: timeOf(event.expires_at),
          requesterId: event.requester_id,
          command: event.command,
          seq: event.seq,
          ...(event.fingerprint === undefined ? {} : { fingerprint: event.fingerprint }),
          ...promptOf(state, event),
        },
      }));
    case "approval_decision":
      return decided(state, event);
  }
}

function resulted(state: SessionState, event: EventOf<"tool_result">): SessionState {
  const open = state.turn?.calls.find((call) => call.call.call_id === event.call_id);
  if (!open || open.status === "done") return state;
  const { outcome } = event.result;
  const ran = outcome === "ok" || outcome === "error" || outcome === "timeout";
  return onTurn(settled(worked(state, event.duration_ms), event.call_id, event.seq), (turn) => ({
    ...turn,
    crashes: ran ? 0 : turn.crashes,
  }));
}

function decided(state: SessionState, event: EventOf<"approval_decision">): SessionState {
  const call = state.turn?.calls.find((open) => open.question?.approvalId === event.approval_id);
  if (!call || call.status !== "asked") return state;
  const denied = event.decision === "deny";
  // The question names the call: an answer never reaches another one.
  const closed = closePrompt(state, call, decisionText(state, event));
  return onCall(answered(closed, call, event.decision, event.seq), call.call.call_id, (open) => ({
    ...open,
    status: denied ? "denied" : "approved",
    denial: denied ? denialOf(state, event) : null,
  }));
}

/** Remembers how a question was answered, so that a late answer learns what became of it. */
function answered(state: SessionState, call: CallState, decision: ApprovalChoice, seq: number): SessionState {
  if (!call.question) return state;
  const entry: DecidedApproval = {
    approvalId: call.question.approvalId,
    callId: call.call.call_id,
    command: call.question.command,
    decision,
    seq,
  };
  return { ...state, decided: [...state.decided, entry].slice(-decidedMax) };
}

/** A call has its result. A question about it that nobody answered counts as denied: no answer means no. */
function settled(state: SessionState, callId: string, seq: number): SessionState {
  const asked = state.turn?.calls.find((call) => call.call.call_id === callId && call.status === "asked");
  const closed = asked ? answered(closePrompt(state, asked, withdrawnText), asked, "deny", seq) : state;
  return onCall(closed, callId, (call) => ({ ...call, status: "done" }));
}

/** A steering message by someone who may decide answers the open question: the call is denied. */
export function supersede(state: SessionState, message: WaitingMessage): SessionState {
  const asked = state.turn?.calls.find((call) => call.status === "asked");
  if (!asked || message.delivery === "queue" || !mayAnswer(state, message, asked.question?.requesterId)) return state;
  const closed = closePrompt(state, asked, supersededText(state, message));
  return onCall(answered(closed, asked, "deny", message.seq), asked.call.call_id, (call) => ({
    ...call,
    status: "denied",
    denial: "superseded by a new message",
  }));
}

/** Asked in the chat: its message stands in the log before the question. */
function promptOf(state: SessionState, { approval_id: approvalId }: EventOf<"approval_required">) {
  const promptId = promptIdOf(state, approvalId);
  const isAsked = state.gateway !== null && state.sends.some((send) => send.request_id === promptId);
  return isAsked ? { promptId } : {};
}

/** To a question that is nobody's own everybody in the chat may say no. */
const mayAnswer = ({ gateway }: SessionState, message: WaitingMessage, requesterId: string | undefined): boolean =>
  message.mayDecide ||
  (requesterId === undefined
    ? gateway !== null && message.source === `gateway:${gateway.name}`
    : message.senderId === requesterId);

/** For the model, which is to know who said no: a person, or the time. */
function denialOf(state: SessionState, { decided_by: by, reason }: EventOf<"approval_decision">): string {
  if (by === "expiry") return "nobody answered in time";
  const name = terminalLine(calledIn(state, by), nameLengthMax);
  const over = by === "cli" ? "over the command line" : by === "http" ? "over the API" : `by ${name}`;
  if (reason) return `denied ${over}: ${reason}`;
  return by === "cli" || by === "http" ? `denied by a person ${over}` : `denied ${over}`;
}

function onCall(state: SessionState, callId: string, edit: (call: CallState) => CallState): SessionState {
  return onTurn(state, (turn) => ({
    ...turn,
    calls: turn.calls.map((call) => (call.call.call_id === callId && call.status !== "done" ? edit(call) : call)),
  }));
}
