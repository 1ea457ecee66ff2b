import { z } from "zod";

import { approvalIdSchema, messageIdSchema, sessionIdSchema, turnIdSchema } from "./ids.ts";

const count = z.int().min(0);
const text = z.string();
const key = z.string().min(1).max(256);

/** Tokens (and money, in US dollars) that model calls used. */
export const usageSchema = z.object({
  prompt_tokens: count,
  completion_tokens: count,
  total_tokens: count,
  cached_prompt_tokens: count.optional(),
  cost_usd: z.number().min(0).optional(),
});
export type Usage = z.infer<typeof usageSchema>;

export const onDisconnectSchema = z.enum(["continue", "pause"]);
export type OnDisconnect = z.infer<typeof onDisconnectSchema>;

export const sessionStatusSchema = z.enum(["active", "running", "paused", "ended"]);
export type SessionStatus = z.infer<typeof sessionStatusSchema>;

export const deliverySchema = z.enum(["steer", "queue", "interrupt"]);
export type Delivery = z.infer<typeof deliverySchema>;

export const decisionSchema = z.enum(["allow_once", "allow_always", "deny"]);
export type ApprovalChoice = z.infer<typeof decisionSchema>;

export const toolCallSchema = z.object({ call_id: text, tool_name: text, arguments: z.json() });
export type ToolCall = z.infer<typeof toolCallSchema>;

export const toolResultSchema = z.object({
  success: z.boolean(),
  content: text,
  outcome: z.enum(["ok", "error", "denied", "timeout", "cancelled", "interrupted"]),
  details: z.json().optional(),
  artifact: text.optional(),
});
export type ToolResult = z.infer<typeof toolResultSchema>;

const keyboardSchema = z.object({
  rows: z.array(z.array(z.object({ text, callback_data: text }))),
});

/** The payload of every event type as this program writes it, and whether it is an input, a decision or an outcome. */
export const payloads = {
  session_start: z.object({
    format: z.literal(1),
    session_id: sessionIdSchema,
    agent: text,
    on_disconnect: onDisconnectSchema,
    gateway: text.optional(),
    gateway_chat_id: text.optional(),
    // `dm` or `group`: what the chat's rules are.
    gateway_chat_type: text.optional(),
    labels: z.record(z.string(), z.string()).optional(),
    parent: z.object({ session_id: sessionIdSchema, seq: count }).optional(),
    agent_spec: z.json().optional(),
  }),
  session_end: z.object({ reason: z.enum(["completed", "terminated", "timeout", "error"]) }),
  status_change: z.object({
    from: sessionStatusSchema,
    to: sessionStatusSchema,
    cause: z.enum(["attach", "detach", "message", "background_limit", "pause", "resume", "recovery", "end"]),
  }),
  user_message: z.object({
    message_id: messageIdSchema,
    content: text,
    sender_id: text.optional(),
    sender_name: text.optional(),
    source: text,
    delivery: deliverySchema,
    unattended: z.literal(true).optional(),
    may_decide: z.literal(true).optional(),
    not_before: text.optional(),
    // Of a gateway: the platform's own id, which an answer refers to, and the thread that it goes to.
    gateway_message_id: text.optional(),
    thread_id: text.optional(),
    idempotency_key: key.optional(),
    attachments: z.array(z.json()).optional(),
  }),
  silent_message: z.object({
    message_id: messageIdSchema,
    content: text,
    sender_id: text,
    sender_name: text.optional(),
    disposition: z.enum(["passive", "silent"]),
    // Said in a group without addressing the agent: shown to the model with the turn that starts next, by `context_from`
    // of that turn; `silent` then is not in the conversation after that turn, `passive` stays.
    context: z.literal(true).optional(),
    idempotency_key: key.optional(),
  }),
  messages_dropped: z.object({ message_ids: z.array(messageIdSchema), reason: text }),
  control_requested: z.object({
    action: z.enum(["cancel", "pause", "resume", "end"]),
    by: text,
    reason: text.optional(),
    // A `resume` by a caller who is not attached: the open turn goes on without a client.
    unattended: z.literal(true).optional(),
    idempotency_key: key.optional(),
  }),
  turn_start: z.object({
    message_ids: z.array(messageIdSchema),
    agent_digest: text,
    trace_id: text.optional(),
    // The session's working notes as this turn sees them, where they are others than the turn before saw.
    notes: text.optional(),
    // The first of the group's messages (`context`) that this turn is shown; absent: none.
    context_from: count.optional(),
  }),
  turn_resumed: z.object({
    attempt: count,
    cause: z.enum(["handover", "crash"]),
    worker_id: text.optional(),
  }),
  assistant_response: z.object({
    agent: text,
    content: text,
    tool_calls: z.array(toolCallSchema).optional(),
    usage: usageSchema.optional(),
    message_id: messageIdSchema,
    through_seq: count,
    model: text,
    provider: text,
    stop_reason: z.enum(["end", "tool_calls", "length", "cancelled", "refused"]),
    request_digest: text,
    // What this program thought that the request costs: beside what the provider counted it corrects later estimates.
    estimated_tokens: count.optional(),
    latency_ms: count,
    first_token_ms: count,
    attempts: count,
    thinking: text.optional(),
    provider_state: z.json().optional(),
  }),
  tool_start: z.object({ call_id: text, tool_name: text, attempt: count, idempotency_key: text }),
  tool_result: z.object({ call_id: text, result: toolResultSchema, duration_ms: count }),
  tools_skipped: z.object({ call_ids: z.array(text), reason: text }),
  approval_required: z.object({
    approval_id: approvalIdSchema,
    call_id: text,
    tool_name: text,
    command: text,
    requester_id: text.optional(),
    // Of an MCP tool: what it was when the question was asked. An approval is for that and nothing else.
    fingerprint: text.optional(),
    expires_at: text.optional(),
  }),
  approval_decision: z.object({
    approval_id: approvalIdSchema,
    call_id: text,
    decision: decisionSchema,
    decided_by: text,
    reason: text.optional(),
    pattern: text.optional(),
    idempotency_key: key.optional(),
  }),
  turn_end: z.object({
    outcome: z.enum(["completed", "failed", "cancelled", "limit_reached"]),
    error: z.object({ code: text, message: text, retryable: z.boolean() }).optional(),
    notice: text.optional(),
    usage: usageSchema,
  }),
  usage_recorded: z.object({
    usage: usageSchema,
    cost_usd: z.number().min(0).optional(),
    model: text,
    provider: text.optional(),
    reason: text,
    // Of a call that was cut short: counts as work, so that a call made again can not go on without end.
    latency_ms: count.optional(),
  }),
  context_compacted: z.object({
    through_seq: count,
    summary: text,
    usage: usageSchema.optional(),
    provider: text.optional(),
    model: text.optional(),
  }),
  gateway_send: z.object({
    request_id: text,
    kind: z.enum(["text", "notice", "approval", "media", "edit"]),
    gateway: text.optional(),
    chat_id: text.optional(),
    channel: text.optional(),
    content: text,
    reply_to: text.optional(),
    thread_id: text.optional(),
    inline_keyboard: keyboardSchema.optional(),
    // `request_id` of the send whose message this one replaces.
    edits: text.optional(),
  }),
  gateway_delivery: z.object({
    request_id: text,
    status: z.enum(["sent", "failed"]),
    message_id: text.optional(),
    error: text.optional(),
  }),
  process_started: z.object({
    handle: text,
    call_id: text,
    pid: count.optional(),
    started_at: text,
    exit_code: z.int().optional(),
  }),
  process_ended: z.object({
    handle: text,
    call_id: text,
    pid: count.optional(),
    started_at: text,
    exit_code: z.int().optional(),
  }),
  error: z.object({ code: text, message: text, retryable: z.boolean() }),
} as const;

export type EventType = keyof typeof payloads;

/**
 * Who may append a type. *input*: anyone. *decision*: the runner, about what happens next.
 * *outcome*: the runner, about what has happened. Decisions and outcomes carry the epoch of the lease.
 */
export const eventKinds = {
  session_start: "start",
  session_end: "decision",
  status_change: "decision",
  user_message: "input",
  silent_message: "input",
  messages_dropped: "decision",
  control_requested: "input",
  turn_start: "decision",
  turn_resumed: "decision",
  assistant_response: "outcome",
  tool_start: "decision",
  tool_result: "outcome",
  tools_skipped: "decision",
  approval_required: "decision",
  approval_decision: "input",
  turn_end: "decision",
  usage_recorded: "outcome",
  context_compacted: "outcome",
  gateway_send: "decision",
  gateway_delivery: "input",
  process_started: "outcome",
  process_ended: "outcome",
  error: "outcome",
} as const satisfies Record<EventType, "start" | "input" | "decision" | "outcome">;

/** The keys that stand around a payload. `seq` counts from 1 without gaps; `timestamp` is RFC 3339 UTC with milliseconds. */
export const envelopeSchema = z.object({
  seq: z.int().min(1),
  timestamp: z.iso.datetime({ precision: 3 }),
  turn_id: turnIdSchema.optional(),
  epoch: z.int().min(0).optional(),
  ignorable: z.literal(true).optional(),
});
type Envelope = z.infer<typeof envelopeSchema> & {
  /** Never stored: set on events that another implementation wrote before this one first opened the log. */
  legacy?: true;
};

export type Payload<Type extends EventType> = z.infer<(typeof payloads)[Type]>;

/** One durable event of a session's log, without the keys that only files have (`b`, `crc`). */
export type EventOf<Type extends EventType> = { [T in Type]: Envelope & { type: T } & Payload<T> }[Type];
export type SessionEvent = EventOf<EventType>;

/** An event before it has its place: the store adds `seq` and the lease's `epoch`. */
export type DraftOf<Type extends EventType> = {
  [T in Type]: Omit<Envelope, "seq" | "epoch" | "legacy"> & { type: T } & Payload<T>;
}[Type];
export type EventDraft = DraftOf<EventType>;
