import type { ToolEffect } from "../../ports/tool.ts";
import type { MessageId } from "../../schema/ids.ts";
import type { EventOf, SessionStatus, ToolCall } from "../../schema/session-event.ts";
import type { CallState, Question, Unsent } from "./state.ts";

/** Where something outside of a session goes: to a channel of `notify:`, or to a gateway's chat. */
export type SendTarget = { channel: string } | { gateway: string; chat_id: string };

/** Where in its chat something is said: after which message, in which thread; both are the platform's ids. */
export type SendPlace = { replyTo?: string | undefined; threadId?: string | undefined };
export type Notice = SendPlace & { requestId: string; content: string };

/** Why messages are dropped, as it is counted; `busy`: a turn worked, and the queue takes none meanwhile. */
export type DropCause = "overflow_old" | "overflow_new" | "rejected" | "busy" | "session_end";

type StatusCause = EventOf<"status_change">["cause"];
export type StatusStep = { from: SessionStatus; to: SessionStatus; cause: StatusCause };

/** How an open call is settled when its turn can not go on with it. */
export type Settlement = { callId: string; as: "skipped" | "cancelled" | "interrupted" };

export type TurnClose = {
  outcome: EventOf<"turn_end">["outcome"];
  error?: { code: string; message: string; retryable: boolean };
  notice?: string;
  /** Calls without a result: each gets one before the end. */
  settle: Settlement[];
  reason: string;
};

/** The one thing that must happen now. Steps marked *effect* touch the world, and only after the log is durable. */
export type Step =
  /** `contextFrom`: `seq` of the first of what was said in the group meanwhile that this turn is shown. */
  | { type: "start_turn"; messageIds: MessageId[]; contextFrom: number | null }
  | { type: "take_up_turn"; attempt: number; cause: "handover" | "crash" }
  /** effect */
  | { type: "call_model" }
  /** effect; each call's `tool_start` is durable before it runs. */
  | { type: "run_tools"; calls: CallState[] }
  | {
      type: "request_approval";
      call: CallState;
      command: string;
      /** The tool as it is asked about. */
      fingerprint?: string | undefined;
      requesterId: string | undefined;
      expiresAt: number | null;
      /** Who learns of it, because nobody is here to see it. */
      announceTo: SendTarget | null;
      /** Of a session of a chat: where in it the question is asked, and whether *always* would keep anything. */
      prompt: (SendPlace & { always: boolean }) | null;
    }
  | { type: "deny_call"; call: CallState; why: string }
  | { type: "expire_approval"; call: CallState; question: Question }
  | { type: "skip_tools"; callIds: string[]; reason: string }
  /** effect, but for `interrupted`. The outcome of a call that was started is unknown. */
  | { type: "recover_tool"; call: CallState; how: "rerun" | "resume" | "interrupted" }
  | ({ type: "cancel_turn" } & TurnClose)
  | ({ type: "end_turn" } & TurnClose)
  /** effect */
  | { type: "compact"; throughSeq: number }
  | { type: "record_send"; text: Unsent }
  | ({ type: "pause" } & StatusStep)
  | ({ type: "resume" } & StatusStep)
  /** `notices`: what senders are told; each is recorded before the drop. */
  | { type: "drop_messages"; messageIds: MessageId[]; cause: DropCause; reason: string; notices: Notice[] }
  | { type: "fail_sends"; requestIds: string[] }
  | { type: "end_session"; from: SessionStatus; reason: EventOf<"session_end">["reason"] }
  /** Nothing until an event, a client, or the time `until` (ms since 1970). */
  | { type: "wait"; for: "nothing" | "message" | "approval" | "client" | "resume" | "delivery"; until: number | null }
  /** While a step is performed: it goes on, or stops now. */
  | { type: "continue"; until: number | null }
  | { type: "abort"; reason: "cancel" | "background_limit" | "turn_limit" };

/** What the engine must know about a call's tool; a call of no tool is answered with an error by `run_tools`. */
export type ToolFacts = {
  effect: ToolEffect;
  parallelSafe: boolean;
  policy: "allow" | "ask" | "deny";
  /** Why it is denied, for the model. */
  denial: string | null;
  /** What is shown to who decides. */
  command: string;
  /** Whether *always allow* would keep anything for later calls. */
  always?: boolean;
  /** Of an MCP tool: what it is now. */
  fingerprint?: string | undefined;
};

/** What a chat's messages are to a turn that works, and how many may wait for the next. */
export type QueueRules = {
  mode: "batch" | "sequential" | "drop";
  maxPending: number;
  overflow: "drop_old" | "drop_new" | "reject";
  /** What the sender of a rejected message is told. */
  rejectMessage: string;
};

export type StepLimits = {
  /** Model calls in a turn; 0: no limit. */
  maxToolIterations: number;
  maxTurnMs: number | null;
  maxBackgroundMs: number;
  /** An idle session ends after this; `null`: never. */
  ttlMs: number | null;
  approvalTimeoutMs: number | null;
  /** Who learns of questions while no client is attached. */
  announceTo: SendTarget | null;
  /** Of a session of a chat; `null`: it has none. */
  queue: QueueRules | null;
  /** How much of what was said in a group without addressing the agent a turn is shown; `null`: nothing. */
  contextBuffer: { maxMessages: number; maxAgeMs: number } | null;
  onInterruptedTool: "report" | "ask" | "retry";
  /** How the definition that the turn started with can not be had; ends the turn. */
  agentMissing: string | null;
  /** `seq` of the `turn_end` through which the history should be summarised now, if it should. */
  compactThrough: number | null;
  /** A model call ended in failure: the turn can not go on. */
  failure: { code: string; message: string; retryable: boolean } | null;
  /** A budget that is spent, in words. */
  spent: string | null;
};

export type StepContext = {
  /** Whether any client is attached; a session of a chat is also while its gateway is ready. */
  attached: boolean;
  /** ms since 1970. */
  now: number;
  lease: { epoch: number; previous: "none" | "self" | "released" | "lost" };
  limits: StepLimits;
  tool(call: ToolCall): ToolFacts;
  /** The effect being performed, and since when. `throughSeq`: of a model call, the last event that its request shows. */
  running?: { type: "call_model" | "run_tools" | "recover_tool" | "compact"; since: number; throughSeq?: number };
};

/** Steps that touch the world. */
export const isEffect = (step: Step): boolean =>
  step.type === "call_model" ||
  step.type === "run_tools" ||
  step.type === "compact" ||
  (step.type === "recover_tool" && step.how !== "interrupted");
