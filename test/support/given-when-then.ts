import assert from "node:assert/strict";

import { accept, type SessionCommand } from "../../src/domain/session/accept.ts";
import { evolve } from "../../src/domain/session/evolve.ts";
import { nextStep } from "../../src/domain/session/next-step.ts";
import { emptyUsage, initialState, type SessionState } from "../../src/domain/session/state.ts";
import type { Step, StepContext, StepLimits, ToolFacts } from "../../src/domain/session/step.ts";
import type { ApprovalId, MessageId, SessionId, TurnId } from "../../src/schema/ids.ts";
import {
  eventKinds,
  type DraftOf,
  type EventDraft,
  type EventType,
  type SessionEvent,
} from "../../src/schema/session-event.ts";

/** The time at which every history begins, ms since 1970. */
export const beginning = Date.UTC(2026, 0, 1);
/** The RFC 3339 text of a time, given in ms after the beginning. */
export const at = (ms: number): string => new Date(beginning + ms).toISOString();

const numbered = (n: number): string => String(n).padStart(26, "0");
export const sessionId = `session_${numbered(1)}` as SessionId;
export const msg = (n: number): MessageId => `msg_${numbered(n)}` as MessageId;
export const turnId = (n: number): TurnId => `turn_${numbered(n)}` as TurnId;
export const appr = (n: number): ApprovalId => `appr_${numbered(n)}` as ApprovalId;

type Given<Type extends EventType> = Partial<Omit<DraftOf<Type>, "type" | "timestamp">> & { atMs?: number };

function draft<Type extends EventType>(
  type: Type,
  defaults: object,
  { atMs = 0, ...given }: { atMs?: number },
): EventDraft {
  // The edge of the builder: every key that the type promises is in the defaults.
  return { timestamp: at(atMs), type, ...defaults, ...given } as unknown as EventDraft;
}

/** One event of each kind with as little said as possible; `atMs` counts from the beginning. */
export const events = {
  start: (given: Given<"session_start"> = {}) =>
    draft("session_start", { format: 1, session_id: sessionId, agent: "a", on_disconnect: "pause" }, given),
  message: (n: number, given: Given<"user_message"> = {}) =>
    draft("user_message", { message_id: msg(n), content: `m${n}`, source: "http", delivery: "steer" }, given),
  turn: (n: number, messages: number[], given: Given<"turn_start"> = {}) =>
    draft("turn_start", { turn_id: turnId(n), message_ids: messages.map(msg), agent_digest: "d" }, given),
  resumed: (attempt: number, cause: "handover" | "crash" = "crash") => draft("turn_resumed", { attempt, cause }, {}),
  response: (throughSeq: number, given: Given<"assistant_response"> = {}) =>
    draft(
      "assistant_response",
      {
        agent: "a",
        content: "text",
        message_id: msg(900 + throughSeq),
        through_seq: throughSeq,
        model: "m",
        provider: "p",
        stop_reason: given.tool_calls?.length ? "tool_calls" : "end",
        request_digest: "r",
        latency_ms: 0,
        first_token_ms: 0,
        attempts: 1,
      },
      given,
    ),
  toolStart: (callId: string, given: Given<"tool_start"> = {}) =>
    draft("tool_start", { call_id: callId, tool_name: "t", attempt: 1, idempotency_key: `key.${callId}` }, given),
  result: (
    callId: string,
    outcome: DraftOf<"tool_result">["result"]["outcome"] = "ok",
    given: Given<"tool_result"> = {},
  ) =>
    draft(
      "tool_result",
      {
        call_id: callId,
        result: { success: outcome === "ok", content: `${callId} ${outcome}`, outcome },
        duration_ms: 0,
      },
      given,
    ),
  skipped: (callIds: string[], reason = "new user message") =>
    draft("tools_skipped", { call_ids: callIds, reason }, {}),
  asked: (n: number, callId: string, given: Given<"approval_required"> = {}) =>
    draft(
      "approval_required",
      { approval_id: appr(n), call_id: callId, tool_name: "t", command: `run ${callId}` },
      given,
    ),
  decided: (n: number, callId: string, decision: "allow_once" | "allow_always" | "deny", by = "alice") =>
    draft("approval_decision", { approval_id: appr(n), call_id: callId, decision, decided_by: by }, {}),
  turnEnd: (outcome: DraftOf<"turn_end">["outcome"] = "completed", given: Given<"turn_end"> = {}) =>
    draft("turn_end", { outcome, usage: emptyUsage }, given),
  control: (action: "cancel" | "pause" | "resume" | "end", given: Given<"control_requested"> = {}) =>
    draft("control_requested", { action, by: "alice" }, given),
  status: (
    from: SessionState["status"],
    to: SessionState["status"],
    cause: DraftOf<"status_change">["cause"],
    given: { atMs?: number } = {},
  ) => draft("status_change", { from, to, cause }, given),
  dropped: (messages: number[]) => draft("messages_dropped", { message_ids: messages.map(msg), reason: "r" }, {}),
  silent: (n: number, disposition: "passive" | "silent" = "passive", given: Given<"silent_message"> = {}) =>
    draft("silent_message", { message_id: msg(n), content: `s${n}`, sender_id: "bob", disposition }, given),
  /** Said in a group without addressing the agent. */
  overheard: (n: number, given: Given<"silent_message"> = {}) =>
    draft(
      "silent_message",
      { message_id: msg(n), content: `s${n}`, sender_id: "bob", disposition: "silent", context: true },
      given,
    ),
  send: (requestId: string, given: Given<"gateway_send"> = {}) =>
    draft("gateway_send", { request_id: requestId, kind: "text", gateway: "g", chat_id: "c", content: "text" }, given),
  delivery: (requestId: string, status: "sent" | "failed" = "sent") =>
    draft("gateway_delivery", { request_id: requestId, status }, {}),
  compacted: (throughSeq: number) => draft("context_compacted", { through_seq: throughSeq, summary: "so far" }, {}),
  end: () => draft("session_end", { reason: "completed" }, {}),
};

/** Calls of a response: `calls("x", "y")` have these ids and the tool names of their first letters. */
export const calls = (...ids: string[]) => ids.map((id) => ({ call_id: id, tool_name: id.slice(0, 1), arguments: {} }));

/** Gives drafts their places, as a store does; `legacy` ones count as another implementation's. */
export function placed(drafts: readonly (EventDraft & { legacy?: true })[], epoch = 1): SessionEvent[] {
  return drafts.map((one, index) => {
    const kind = eventKinds[one.type];
    return { ...one, seq: index + 1, ...(kind === "decision" || kind === "outcome" ? { epoch } : {}) };
  });
}

export const fold = (log: readonly SessionEvent[], from: SessionState = initialState): SessionState =>
  log.reduce(evolve, from);

export const noLimits: StepLimits = {
  maxToolIterations: 0,
  maxTurnMs: null,
  maxBackgroundMs: 3_600_000,
  ttlMs: null,
  approvalTimeoutMs: null,
  announceTo: null,
  queue: null,
  contextBuffer: null,
  onInterruptedTool: "report",
  agentMissing: null,
  compactThrough: null,
  failure: null,
  spent: null,
};

export const allowed: ToolFacts = {
  effect: "unsafe",
  parallelSafe: false,
  policy: "allow",
  denial: null,
  command: "run",
};

type Situation = Partial<Omit<StepContext, "limits" | "tool" | "lease">> & {
  lease?: Partial<StepContext["lease"]>;
  limits?: Partial<StepLimits>;
  /** By tool name. */
  tools?: Record<string, Partial<ToolFacts>>;
  /** ms after the beginning. */
  atMs?: number;
};

/** A client is attached and nothing is limited, unless said otherwise. */
export function situation({ limits, tools, lease, atMs = 0, ...rest }: Situation = {}): StepContext {
  return {
    attached: true,
    now: beginning + atMs,
    ...rest,
    lease: { epoch: 1, previous: "none", ...lease },
    limits: { ...noLimits, ...limits },
    tool: (call) => ({ ...allowed, command: `run ${call.call_id}`, ...tools?.[call.tool_name] }),
  };
}

/** Given a log, when something is asked of the engine, then it says … */
export function given(...drafts: (EventDraft & { legacy?: true })[]) {
  const log = placed(drafts);
  const state = fold(log);
  const withLog = {
    log,
    state,
    next: (when: Situation = {}): Step => nextStep(state, situation(when)),
    accept: (command: SessionCommand) => accept(state, command),
    /** The next step has these members. */
    then(expected: Partial<Step> & { type: Step["type"] }, when: Situation = {}) {
      const step = nextStep(state, situation(when));
      assert.partialDeepStrictEqual(step, expected);
      return withLog;
    },
  };
  return withLog;
}
