import type { ToolCall, Usage } from "../schema/session-event.ts";

/** One message of a conversation as a provider sees it; every tool call has its result in the `tool` message after it. */
export type ModelMessage =
  | { role: "user"; content: string }
  | {
      role: "assistant";
      content: string;
      toolCalls: ToolCall[];
      /** Opaque to us (reasoning signatures …); sent back to the provider that made it. */
      providerState?: unknown;
      /** `provider/model` that made `providerState`: never sent to another. */
      madeBy?: string;
    }
  | { role: "tool"; results: { callId: string; toolName: string; content: string; success: boolean }[] };

/** What a tool looks like to a model; `parameters` is a JSON Schema object. */
export type ToolDefinition = { name: string; description: string; parameters: Record<string, unknown> };

export type ModelSettings = {
  temperature?: number | undefined;
  topP?: number | undefined;
  maxOutputTokens?: number | undefined;
  reasoningEffort?: string | undefined;
};

/** The exact request: equal requests have an equal digest. */
export type ModelRequest = {
  system: string;
  messages: ModelMessage[];
  tools: ToolDefinition[];
  settings: ModelSettings;
};

/** `end`, `tool_calls`, `length`, `refused`: the only ways in which a stream ends that count as an answer. */
export type ModelStop = "end" | "tool_calls" | "length" | "refused";

/**
 * What a model says, in order. `finish` comes last and only when the provider's own end marker was seen; a stream that
 * stops without it throws. A call whose arguments are not JSON carries them as `invalidArguments`.
 */
export type ModelPart =
  | { type: "text"; text: string }
  | { type: "thinking"; text: string }
  /** Something arrived that is not shown yet: a piece of a call's arguments. */
  | { type: "progress"; bytes: number }
  /** What the provider says was used so far; of value only if there is no `finish`. */
  | { type: "usage"; usage: Usage }
  | { type: "tool_call"; call: ToolCall; invalidArguments?: string }
  | { type: "finish"; stop: ModelStop; usage?: Usage; providerState?: unknown };

/**
 * One model of one provider. `stream` makes exactly one HTTP request: no retries, no time-outs but the caller's signal.
 * Throws ModelFailure.
 */
export interface Model {
  readonly provider: string;
  readonly name: string;
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelPart>;
}

/** A provider did not answer, or not whole. `message` holds the provider's own words. */
export class ModelFailure extends Error {
  /** HTTP status, if there was an answer. */
  readonly status: number | undefined;
  /** Whether the same request may succeed later (408, 409, 429, 5xx, 529, connection lost, stream cut). */
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  /** What was used all the same, as far as the provider said. */
  readonly usage: Usage | undefined;

  constructor(
    message: string,
    facts: { status?: number; retryable: boolean; retryAfterMs?: number; usage?: Usage; cause?: unknown },
  ) {
    super(message, { cause: facts.cause });
    this.name = "ModelFailure";
    this.status = facts.status;
    this.retryable = facts.retryable;
    this.retryAfterMs = facts.retryAfterMs;
    this.usage = facts.usage;
  }
}

/** Which model an agent wants: `provider` is a built-in kind or a name under `models.providers` of duragent.yaml. */
export type ModelChoice = {
  provider: string;
  name: string;
  baseUrl?: string | undefined;
  api?: "chat" | "responses" | undefined;
  /** Folder that a relative path (a script of `scripted`) starts from, or its content by path. */
  files?: ReadonlyMap<string, Uint8Array> | undefined;
};

/** Makes models; provider packages are imported on first use. Throws DuragentError `unprocessable` for one that can not be made (a missing key …). */
export interface ModelRegistry {
  model(choice: ModelChoice): Promise<Model>;
}
