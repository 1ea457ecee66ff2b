import type { ToolCall, ToolResult } from "../schema/session-event.ts";
import type { SessionId } from "../schema/ids.ts";
import type { ToolDefinition } from "./model.ts";

/** How often a call may run: `pure` and `idempotent` are repeated with the same key, `resumable` is found again, `unsafe` never repeats silently. */
export type ToolEffect = "pure" | "idempotent" | "resumable" | "unsafe";

export type ToolContext = {
  sessionId: SessionId;
  agent: string;
  callId: string;
  idempotencyKey: string;
  attempt: number;
  /** Cancel, time-out, a lost lease: the tool stops all that it started. */
  signal: AbortSignal;
  /** Live output, never stored by the caller. */
  onOutput(text: string): void;
};

/** Something an agent can do. `run` never throws for what the model did wrong: that is a result with `outcome: "error"`. */
export interface Tool {
  readonly definition: ToolDefinition;
  readonly effect: ToolEffect;
  /** May run at the same time as its neighbours that say so too. */
  readonly parallelSafe?: boolean;
  /** Policy type tag and the text that is shown and matched: a command, `name:action`, … */
  describe(call: ToolCall): { type: "bash" | "builtin" | "cli" | "mcp"; text: string };
  run(call: ToolCall, context: ToolContext): Promise<ToolResult>;
  /** For `resumable`: finds a call that an earlier process started. `null`: it never started. */
  resume?(call: ToolCall, context: ToolContext): Promise<ToolResult | null>;
}
