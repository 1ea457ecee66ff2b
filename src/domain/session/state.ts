import type { ApprovalId, MessageId, SessionId, TurnId } from "../../schema/ids.ts";
import type {
  ApprovalChoice,
  Delivery,
  EventOf,
  OnDisconnect,
  SessionStatus,
  ToolCall,
  Usage,
} from "../../schema/session-event.ts";
import { noSpending, type Spending } from "../limits/spending.ts";

/** Tokens of a request as they were estimated, and as the provider counted them. */
export type TokenSample = { readonly estimatedTokens: number; readonly reportedTokens: number };

/** A user's message that no turn has taken in yet. Times are ms since 1970. */
export type WaitingMessage = {
  readonly messageId: MessageId;
  readonly seq: number;
  readonly delivery: Delivery;
  readonly senderId: string | undefined;
  /** Length of its text, in UTF-16 units. */
  readonly textUnits: number;
  readonly at: number;
  readonly notBefore: number | null;
  readonly unattended: boolean;
  readonly mayDecide: boolean;
  readonly source: string;
  /** Of a message of a chat: the platform's id, and its thread. */
  readonly gatewayMessageId?: string | undefined;
  readonly threadId?: string | undefined;
  /** Its sender has been told that it is not taken. */
  readonly rejected?: true;
};

export type Question = {
  readonly approvalId: ApprovalId;
  readonly requestedAt: string;
  readonly expiresAt: number | null;
  readonly requesterId: string | undefined;
  readonly command: string;
  /** What the tool was when it was asked about. */
  readonly fingerprint?: string | undefined;
  /** `request_id` of the message with buttons that asks it in its chat. */
  readonly promptId?: string | undefined;
  /** Of the event that asked. */
  readonly seq?: number;
  /** Who asked has been told that what they write now waits for the answer. */
  readonly waitTold?: true;
};

/**
 * One call of the open response: `waiting` (nothing happened), `asked`, `approved` and `denied` (by an approval),
 * `started` (its outcome is unknown until a result comes), `done`.
 */
export type CallState = {
  readonly call: ToolCall;
  readonly status: "waiting" | "asked" | "approved" | "denied" | "started" | "done";
  /** Why the model is told that it was denied. */
  readonly denial: string | null;
  readonly question: Question | null;
  readonly attempt: number;
  readonly idempotencyKey: string | null;
};

export type TurnState = {
  readonly id: TurnId;
  readonly messageIds: readonly MessageId[];
  readonly startSeq: number;
  readonly startedAt: number;
  readonly agentDigest: string;
  readonly traceId: string | undefined;
  /** Goes on without a client, as in `continue`. */
  readonly unattended: boolean;
  /** Who asked first; decides, besides approvers, about this turn's approvals. */
  readonly requesterId: string | undefined;
  readonly responses: number;
  readonly lastResponse: {
    readonly seq: number;
    readonly throughSeq: number;
    readonly stopReason: EventOf<"assistant_response">["stop_reason"];
  } | null;
  readonly calls: readonly CallState[];
  /** Time spent in model and tool calls. */
  readonly workMs: number;
  readonly usage: Usage;
  /** Tokens by provider: what `per_turn_tokens` of a provider counts. */
  readonly tokens: Readonly<Record<string, number>>;
  readonly samples: readonly TokenSample[];
  readonly cancelAsked: boolean;
  /** How often a runner took this turn up after another had lost it, since the last response or result. */
  readonly crashes: number;
  readonly resumptions: number;
  /** Epoch of the runner that started it or took it up last: one with a later lease takes it up first. */
  readonly epoch: number;
  /** The history was summarised in this turn: once is enough. */
  readonly compacted: boolean;
  /** The newest message of the chat that it took in: what it answers. */
  readonly answers: { readonly messageId: string; readonly threadId: string | undefined } | null;
  /** Something of it was said in the chat: only the first refers to what it answers. */
  readonly replied: boolean;
};

export type OpenSend = EventOf<"gateway_send">;

/** A text of the agent that has not been put into the outbox; only sessions of a gateway chat have any. */
export type Unsent = {
  readonly requestId: string;
  readonly kind: "text" | "notice" | "edit";
  readonly content: string;
  readonly turnId: TurnId | undefined;
  readonly replyTo?: string | undefined;
  readonly threadId?: string | undefined;
  /** `request_id` of the send that an `edit` replaces. */
  readonly edits?: string;
};

export type DecidedApproval = {
  readonly approvalId: ApprovalId;
  readonly callId: string;
  readonly command: string;
  readonly decision: ApprovalChoice;
  readonly seq: number;
};

/** All that is so after a log's events up to `seq`, but for the conversation, which is computed from the events. */
export type SessionState = {
  readonly seq: number;
  readonly sessionId: SessionId | null;
  readonly agent: string;
  readonly agentSpec: unknown;
  readonly labels: Readonly<Record<string, string>> | undefined;
  readonly parent: { readonly session_id: SessionId; readonly seq: number } | undefined;
  readonly gateway: { readonly name: string; readonly chatId: string; readonly chatType: "dm" | "group" } | null;
  readonly onDisconnect: OnDisconnect;
  readonly title: string | undefined;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly status: SessionStatus;
  /** Of the last `status_change`, ms since 1970. */
  readonly statusSince: number;
  readonly turn: TurnState | null;
  readonly waiting: readonly WaitingMessage[];
  readonly pauseAsked: boolean;
  readonly endAsked: { readonly at: number; readonly reason: EventOf<"session_end">["reason"] } | null;
  readonly ended: boolean;
  /** Working time since the last client left. */
  readonly backgroundMs: number;
  /** The background limit was reached; a client, a message or `resume` lifts it. */
  readonly backgroundSpent: boolean;
  readonly unsent: readonly Unsent[];
  readonly sends: readonly OpenSend[];
  /** The newest 64. */
  readonly decided: readonly DecidedApproval[];
  readonly usage: Usage;
  /** What this session itself has paid; what a fork copied is in `usage` only. */
  readonly spending: Spending;
  /** Of the newest calls of turns that have ended: within a turn the estimate holds still, and with it the prompt's cut. */
  readonly samples: readonly TokenSample[];
  readonly lastTurnEnd: number;
  readonly compactedThrough: number;
  readonly processes: readonly EventOf<"process_started">[];
  /** Working notes as of the last turn's start; absent where no turn has seen any. */
  readonly notes?: string;
  /** What was said in the group since the last turn's start without addressing the agent, oldest first; the newest 10,000. */
  readonly overheard: readonly Overheard[];
  /** Who has said something in this chat, by id, as they call themselves; the newest 64. */
  readonly speakers: readonly { readonly id: string; readonly name: string }[];
};

/** `at`: ms since 1970. */
export type Overheard = { readonly seq: number; readonly at: number };

export const emptyUsage: Usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };

/** The state of a log without events. */
export const initialState: SessionState = {
  seq: 0,
  sessionId: null,
  agent: "",
  agentSpec: undefined,
  labels: undefined,
  parent: undefined,
  gateway: null,
  onDisconnect: "pause",
  title: undefined,
  createdAt: "",
  updatedAt: "",
  status: "active",
  statusSince: 0,
  turn: null,
  waiting: [],
  pauseAsked: false,
  endAsked: null,
  ended: false,
  backgroundMs: 0,
  backgroundSpent: false,
  unsent: [],
  sends: [],
  decided: [],
  usage: emptyUsage,
  spending: noSpending,
  samples: [],
  lastTurnEnd: 0,
  compactedThrough: 0,
  processes: [],
  overheard: [],
  speakers: [],
};

/** Usage of both, with the optional figures where either has them. */
export function addUsage(a: Usage, b: Usage | undefined): Usage {
  if (!b) return a;
  const sum: Usage = {
    prompt_tokens: a.prompt_tokens + b.prompt_tokens,
    completion_tokens: a.completion_tokens + b.completion_tokens,
    total_tokens: a.total_tokens + b.total_tokens,
  };
  if (a.cached_prompt_tokens !== undefined || b.cached_prompt_tokens !== undefined)
    sum.cached_prompt_tokens = (a.cached_prompt_tokens ?? 0) + (b.cached_prompt_tokens ?? 0);
  if (a.cost_usd !== undefined || b.cost_usd !== undefined)
    // To a millionth of a cent: sums of floats must not drift into the log.
    sum.cost_usd = Math.round(((a.cost_usd ?? 0) + (b.cost_usd ?? 0)) * 1e8) / 1e8;
  return sum;
}

/** ms since 1970; `null` for what is no time, so that nothing waits for it. */
export function timeOf(text: string | undefined): number | null {
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? null : time;
}

/** Calls of the open response that have no result yet, in the model's order. */
export function openCalls(turn: TurnState): readonly CallState[] {
  return turn.calls.filter((call) => call.status !== "done");
}

/** The one question that waits for an answer, if there is one. */
export function pendingCall(state: SessionState): (CallState & { question: Question }) | null {
  for (const call of state.turn?.calls ?? [])
    if (call.status === "asked" && call.question) return { ...call, question: call.question };
  return null;
}

/** Adds working time to the open turn and, while no client is attached, to the background clock. */
export function worked(state: SessionState, ms: number): SessionState {
  return onTurn(
    { ...state, backgroundMs: state.status === "running" ? state.backgroundMs + ms : state.backgroundMs },
    (turn) => ({ ...turn, workMs: turn.workMs + ms }),
  );
}

export function onTurn(state: SessionState, edit: (turn: TurnState) => TurnState): SessionState {
  return state.turn ? { ...state, turn: edit(state.turn) } : state;
}
