import type { OnDisconnect } from "../../schema/session-event.ts";
import type { OnInterruptedTool, Truncation, WrittenSessionSettings } from "../../schema/session-settings.ts";

/** How much of the past a model is shown. */
export type ContextSettings = {
  /** 0: no cap but the model's window. */
  readonly maxHistoryTokens: number;
  readonly maxToolResultTokens: number;
  readonly toolResultTruncation: Truncation;
  readonly toolResultKeepFirst: number;
  readonly toolResultKeepLast: number;
  /** Share of the window above which the history is summarised. */
  readonly compactAt: number;
};

/** Every setting of a session, with nothing left to default. */
export type SessionSettings = {
  readonly onDisconnect: OnDisconnect;
  readonly maxBackgroundRuntimeMs: number;
  /** Live events kept while nobody is attached. */
  readonly outputBufferSize: number;
  /** 0: an idle session never ends by itself. */
  readonly ttlHours: number;
  /** 0: no limit. */
  readonly maxToolIterations: number;
  readonly llmTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** Working time of a turn; `null`: no limit. */
  readonly maxTurnMs: number | null;
  readonly onInterruptedTool: OnInterruptedTool;
  readonly context: ContextSettings;
};

const backgroundRuntimeMs = 30 * 60_000;

/**
 * The settings that hold for a session: the agent's over duragent.yaml's over the default.
 * `mode` is the one that the session was created with; without it the mode is a setting like the others.
 */
export function sessionSettings(
  agent: WrittenSessionSettings,
  server: WrittenSessionSettings,
  mode?: OnDisconnect,
): SessionSettings {
  const onDisconnect = mode ?? agent.on_disconnect ?? server.on_disconnect ?? "pause";
  const set = { ...server, ...agent };
  const context = { ...server.context, ...agent.context };
  return {
    onDisconnect,
    maxBackgroundRuntimeMs: set.max_background_runtime ?? backgroundRuntimeMs,
    outputBufferSize: set.output_buffer_size ?? 1000,
    ttlHours: set.ttl_hours ?? 168,
    maxToolIterations: set.max_tool_iterations ?? (onDisconnect === "continue" ? 50 : 10),
    llmTimeoutMs: (set.llm_timeout_seconds ?? 300) * 1000,
    idleTimeoutMs: (set.idle_timeout_seconds ?? 60) * 1000,
    maxTurnMs: set.max_turn_seconds === undefined ? null : set.max_turn_seconds * 1000,
    onInterruptedTool: set.on_interrupted_tool ?? "report",
    context: {
      maxHistoryTokens: context.max_history_tokens ?? 40_000,
      maxToolResultTokens: context.max_tool_result_tokens ?? 8_000,
      toolResultTruncation: context.tool_result_truncation ?? "both",
      toolResultKeepFirst: context.tool_result_keep_first ?? 2,
      toolResultKeepLast: context.tool_result_keep_last ?? 5,
      compactAt: context.compact_at ?? 0.8,
    },
  };
}
