import { z } from "zod";

import { durationMs } from "./quantity.ts";
import { onDisconnectSchema } from "./session-event.ts";
import { strictObject } from "./strict-object.ts";

export const onInterruptedToolSchema = z.enum(["report", "ask", "retry"]);
export type OnInterruptedTool = z.infer<typeof onInterruptedToolSchema>;

export const truncationSchema = z.enum(["head", "tail", "both"]);
export type Truncation = z.infer<typeof truncationSchema>;

const contextSchema = strictObject({
  /** 0: no cap but the model's window. */
  max_history_tokens: z.int().min(0).optional(),
  max_tool_result_tokens: z.int().min(1).optional(),
  tool_result_truncation: truncationSchema.optional(),
  /** Results at the start and at the end of a turn that are never masked; both 0: nothing is masked. */
  tool_result_keep_first: z.int().min(0).optional(),
  tool_result_keep_last: z.int().min(0).optional(),
  /** Share of the window above which the history is summarised; 1: never. */
  compact_at: z.number().gt(0).max(1).optional(),
});

/** `session:` of agent.yaml and of duragent.yaml: every key optional, the agent's over the server's. */
export const sessionSettingsSchema = strictObject({
  on_disconnect: onDisconnectSchema.optional(),
  /** Milliseconds once parsed. */
  max_background_runtime: durationMs.optional(),
  output_buffer_size: z.int().min(0).max(1_000_000).optional(),
  /** 0: never ends by itself. */
  ttl_hours: z.number().min(0).optional(),
  /** 0: no limit. */
  max_tool_iterations: z.int().min(0).optional(),
  llm_timeout_seconds: z.number().gt(0).max(86_400).optional(),
  idle_timeout_seconds: z.number().gt(0).max(86_400).optional(),
  max_turn_seconds: z.number().gt(0).optional(),
  on_interrupted_tool: onInterruptedToolSchema.optional(),
  context: contextSchema.optional(),
  /** Of the Rust implementation; accepted, without effect. */
  compaction: z.enum(["discard", "archive", "disabled"]).optional(),
});

export type WrittenSessionSettings = z.infer<typeof sessionSettingsSchema>;
