import { z } from "zod";

import { sessionIdSchema } from "../ids.ts";
import { onDisconnectSchema, sessionStatusSchema, usageSchema } from "../session-event.ts";
import { strictObject } from "../strict-object.ts";
import { agentNameSchema, labelsSchema, nameSchema, textSchema, wholeNumber } from "./parameter.ts";

const text = z.string();

/** A question that waits for `…/approve`. */
export const pendingApprovalSchema = z.object({
  approval_id: text,
  call_id: text,
  tool_name: text,
  command: text,
  requester_id: text.optional(),
  requested_at: text,
  expires_at: text.optional(),
  /** What `allow_always` would keep, a pattern each; empty: the call can only be allowed once. Absent: not known now. */
  always: z.array(text).optional(),
});

/** The chat that a session belongs to: the configured name of its gateway, and the platform's id. */
const sessionChatSchema = z.object({ name: text, chat_id: text, chat_type: z.enum(["dm", "group"]) });

/** One row of the list of sessions. */
export const sessionSummarySchema = z.object({
  session_id: sessionIdSchema,
  agent: text,
  status: sessionStatusSchema,
  activity: z.enum(["idle", "working", "awaiting_approval", "backing_off"]),
  created_at: text,
  updated_at: text,
  last_seq: z.int(),
  title: text.optional(),
  usage: usageSchema,
  labels: z.record(z.string(), z.string()).optional(),
  /** Absent where it belongs to no chat. */
  gateway: sessionChatSchema.optional(),
  problem: z.object({ code: text, detail: text }).optional(),
});
export type SessionSummaryBody = z.infer<typeof sessionSummarySchema>;

/** A budget that holds for a session, whoever set it, and what has been spent of it. */
export const budgetSchema = z.object({
  scope: z.enum(["session", "day", "turn"]),
  level: z.enum(["agent", "provider", "server"]),
  name: text.optional(),
  limit: z.number(),
  spent: z.number(),
  unit: z.enum(["usd", "tokens"]),
});

/** A session with what can be done about it now. */
export const sessionSchema = sessionSummarySchema.extend({
  on_disconnect: onDisconnectSchema,
  pending_approvals: z.array(pendingApprovalSchema),
  attached_clients: z.int(),
  budgets: z.array(budgetSchema).optional(),
  waiting_for: text.optional(),
  /** What is wrong with the agent's tools: those of an MCP server that could not be started, say. Absent before they were looked for. */
  tool_problems: z.array(text).optional(),
});
export type SessionBody = z.infer<typeof sessionSchema>;

export const sessionListQuerySchema = strictObject({
  status: sessionStatusSchema.optional(),
  agent: agentNameSchema.optional(),
  labels: labelsSchema.optional(),
  limit: wholeNumber(1, 1000).optional(),
  cursor: nameSchema.optional(),
});
export const sessionListSchema = z.object({
  sessions: z.array(sessionSummarySchema),
  next_cursor: text.optional(),
});
export type SessionListBody = z.infer<typeof sessionListSchema>;

export const createSessionSchema = strictObject({
  agent: agentNameSchema.optional(),
  /** A whole agent definition, inline; instead of `agent`. */
  agent_spec: z.unknown().optional(),
  on_disconnect: onDisconnectSchema.optional(),
  labels: labelsSchema.optional(),
  session_id: sessionIdSchema.optional(),
}).superRefine((body, context) => {
  if ((body.agent === undefined) === (body.agent_spec === undefined)) {
    context.addIssue({ code: "custom", path: ["agent"], message: 'give exactly one of "agent" and "agent_spec"' });
  }
});

export const forkSchema = strictObject({ at_seq: z.int().min(1).optional() });
export const reasonSchema = strictObject({ reason: textSchema.optional() });

export const exportQuerySchema = strictObject({ format: z.enum(["jsonl", "markdown"]).optional() });

export const attachSchema = strictObject({
  client_id: nameSchema.optional(),
  ttl_seconds: z.number().min(1).max(3600).optional(),
});
export const detachSchema = strictObject({ client_id: nameSchema });
export const attachmentSchema = z.object({ client_id: text, expires_at: text });
export type AttachmentBody = z.infer<typeof attachmentSchema>;
