import { z } from "zod";

import { strictObject } from "./strict-object.ts";

const policy = z.enum(["open", "disabled", "allowlist"]).default("open");
const ids = z.array(z.string().min(1)).default([]);

/** What a sender's messages are: answered, part of the conversation, only logged, or dropped. */
export const senderDispositionSchema = z.enum(["allow", "passive", "silent", "block"]);

const queueSchema = strictObject({
  mode: z.enum(["batch", "sequential", "drop"]).default("batch"),
  max_pending: z.int().min(1).max(1000).default(10),
  overflow: z.enum(["drop_old", "drop_new", "reject"]).default("drop_old"),
  reject_message: z.string().optional(),
  debounce: strictObject({
    enabled: z.boolean().default(true),
    window_ms: z.int().min(0).max(10_000).default(1500),
  }).prefault({}),
});

const groupsSchema = strictObject({
  policy,
  /** `channel:chat_id`, with a trailing `*` as wildcard. */
  allowlist: ids,
  sender_default: senderDispositionSchema.default("allow"),
  sender_overrides: z.record(z.string(), senderDispositionSchema).default({}),
  activation: z.enum(["mention", "always"]).default("mention"),
  context_buffer: strictObject({
    mode: z.enum(["silent", "passive"]).default("silent"),
    max_messages: z.int().min(0).max(10_000).default(100),
    max_age_hours: z.number().min(0).default(24),
  }).prefault({}),
  queue: queueSchema.prefault({}),
});

export type ChatQueue = z.infer<typeof queueSchema>;

/** Who may talk to an agent over gateways. */
export const agentAccessSchema = strictObject({
  dm: strictObject({ policy, allowlist: ids, queue: queueSchema.prefault({}) }).prefault({}),
  groups: groupsSchema.prefault({}),
  /** Ids that may decide approvals of others. */
  approvers: ids,
});
export type AgentAccess = z.infer<typeof agentAccessSchema>;
