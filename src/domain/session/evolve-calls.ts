import type { EventOf } from "../../schema/session-event.ts";
import { onTurn, worked, type CallState, type DecidedApproval, type SessionState } from "./state.ts";

type CallEvent = EventOf<
  "tool_start" | "tools_skipped" | "tool_result" | "approval_required" | "approval_decision"
>;

/** What an event about one of the open response's calls changes. */
export function evolveCalls(state: SessionState, event: CallEvent, decidedMax: number): SessionState {
  switch (event.type) {
    case "tool_start":
      return onCall(state, event.call_id, (call) => ({
        ...call,
        status: "started",
        attempt: event.attempt,
        idempotencyKey: event.idempotency_key,
      }));
    case "tools_skipped":
      return event.call_ids.reduce((after, callId) => onCall(after, callId, done), state);
    case "tool_result":
      return resulted(state, event);
    case "approval_required":
      return onCall(state, event.call_id, (call) => ({
        ...call,
        status: "asked",
        question: {
          approvalId: event.approval_id,
          requestedAt: event.timestamp,
          expiresAt: event.expires_at ? Date.parse(event.expires_at) : null,
          requesterId: event.requester_id,
          command: event.command,
        },
      }));
    case "approval_decision":
      return decided(state, event, decidedMax);
  }
}

function resulted(state: SessionState, event: EventOf<"tool_result">): SessionState {
  const open = state.turn?.calls.find((call) => call.call.call_id === event.call_id);
  if (!open || open.status === "done") return state;
  const { outcome } = event.result;
  const ran = outcome === "ok" || outcome === "error" || outcome === "timeout";
  return onTurn(onCall(worked(state, event.duration_ms), event.call_id, done), (turn) => ({
    ...turn,
    crashes: ran ? 0 : turn.crashes,
  }));
}

function decided(state: SessionState, event: EventOf<"approval_decision">, decidedMax: number): SessionState {
  const call = state.turn?.calls.find((open) => open.question?.approvalId === event.approval_id);
  if (!call || call.status !== "asked") return state;
  const denied = event.decision === "deny";
  const entry: DecidedApproval = {
    approvalId: event.approval_id,
    callId: event.call_id,
    command: call.question?.command ?? "",
    decision: event.decision,
    seq: event.seq,
  };
  return onCall(
    { ...state, decided: [...state.decided, entry].slice(-decidedMax) },
    event.call_id,
    (open) => ({
      ...open,
      status: denied ? "denied" : "approved",
      denial: denied ? denialOf(event) : null,
    }),
  );
}

const denialOf = (event: EventOf<"approval_decision">): string =>
  `denied by ${event.decided_by}${event.reason ? `: ${event.reason}` : ""}`;

const done = (call: CallState): CallState => ({ ...call, status: "done" });

function onCall(state: SessionState, callId: string, edit: (call: CallState) => CallState): SessionState {
  return onTurn(state, (turn) => ({
    ...turn,
    calls: turn.calls.map((call) =>
      call.call.call_id === callId && call.status !== "done" ? edit(call) : call,
    ),
  }));
}
