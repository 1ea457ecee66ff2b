import type { ToolCall, ToolResult } from "../schema/session-event.ts";
import type { SessionId } from "../schema/ids.ts";
import type { ToolDefinition } from "./model.ts";

/** How often a call may run: `pure` and `idempotent` are repeated with the same key, `resumable` is found again, `unsafe` never repeats silently. */
export type ToolEffect = "pure" | "idempotent" | "resumable" | "unsafe";

/** What a call may write into its own session's log: durable when the promise resolves. */
export interface ToolSession {
  /** Records `process_started`. */
  processStarted(process: { handle: string; pid?: number; startedAt: string }): Promise<void>;
  /**
   * Puts a message to a human into the outbox: to a channel of `notify:`, else to the session's own chat, else to the default
   * channel; says where it goes. The same `idempotencyKey` again sends nothing new. Throws `bad-request` where there is no such channel, or none at all.
   */
  notify(message: { content: string; channel?: string; idempotencyKey: string }): Promise<{ to: string }>;
}

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
  session: ToolSession;
};

/** What policy decides about. `text`: a command line (`bash`), `name` or `name:action` (`builtin`), `server__tool` (`mcp`), a name (`cli`). */
export type PolicyCall = {
  type: "bash" | "builtin" | "cli" | "mcp";
  text: string;
  effect: ToolEffect;
  /** Of an MCP tool: SHA-256 of its description and schema; another one than was approved is asked about again. */
  fingerprint?: string;
  /** Of a command line: the built-in tool that would run it, `name` or `name:action`; `bash` if it is not said. Who denies that tool denies this too. */
  builtin?: string;
};

/** Something an agent can do. `run` never throws for what the model did wrong: that is a result with `outcome: "error"`. */
export interface Tool {
  readonly definition: ToolDefinition;
  readonly effect: ToolEffect;
  /** Of this call, where an action differs from the tool as a whole (`memory` `recall` is pure). */
  effectOf?(call: ToolCall): ToolEffect;
  /** May run at the same time as its neighbours that say so too. */
  readonly parallelSafe?: boolean;
  /** What is wrong with the arguments, for the model; `null`: nothing. Such a call is neither asked about nor run. */
  fault(call: ToolCall): string | null;
  /** Policy type tag and the text that is shown and matched: a command, `name:action`, … */
  describe(call: ToolCall): { type: PolicyCall["type"]; text: string; fingerprint?: string; builtin?: string };
  run(call: ToolCall, context: ToolContext): Promise<ToolResult>;
  /** For `resumable`: finds a call that an earlier process started. `null`: it never started. */
  resume?(call: ToolCall, context: ToolContext): Promise<ToolResult | null>;
}
