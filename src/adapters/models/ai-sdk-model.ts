import type { LanguageModelV4, LanguageModelV4CallOptions, SharedV4ProviderOptions } from "@ai-sdk/provider";

import type { Model, ModelPart, ModelRequest } from "../../ports/model.ts";
import { failureOf } from "./ai-sdk-failure.ts";
import { promptOf } from "./ai-sdk-prompt.ts";
import { readStream } from "./ai-sdk-stream.ts";
import { revealed, type ProviderContext } from "./provider-options.ts";
import { callIds } from "./tool-call-part.ts";

export type AiSdkModelOptions = {
  context: ProviderContext;
  languageModel: LanguageModelV4;
  /** Texts that no error message may hold. */
  secrets: string[];
  providerOptions?: SharedV4ProviderOptions;
  /** Put on the system message and the last one: up to there the prompt is the same at the next call. */
  cacheMark?: SharedV4ProviderOptions;
  /** `usage.cost` is what the provider charges, in US dollars. */
  reportsCost?: boolean;
};

/** A model on one of the AI SDK's provider packages, used at the level where one call is one HTTP request. */
export function aiSdkModel(options: AiSdkModelOptions): Model {
  const { choice } = options.context;
  return {
    provider: choice.provider,
    name: choice.name,
    stream: (request, signal) => stream(options, request, signal),
  };
}

async function* stream(
  options: AiSdkModelOptions,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelPart> {
  const { clock, entry } = options.context;
  const secrets = [...options.secrets, ...Object.values(revealed(entry.headers) ?? {})];
  try {
    signal.throwIfAborted();
    const result = await options.languageModel.doStream(callOptions(options, request, signal));
    yield* readStream(result.stream, {
      callId: callIds(request, () => `call_${clock.ulid()}`),
      reportsCost: options.reportsCost ?? false,
      failure: (error, usage) => failureOf(error, { nowMs: clock.now(), secrets, usage }),
    });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw failureOf(error, { nowMs: clock.now(), secrets });
  }
}

function callOptions(
  options: AiSdkModelOptions,
  request: ModelRequest,
  signal: AbortSignal,
): LanguageModelV4CallOptions {
  const { choice } = options.context;
  const { temperature, topP, maxOutputTokens, reasoningEffort } = request.settings;
  const made: LanguageModelV4CallOptions = {
    prompt: promptOf(request, { model: `${choice.provider}/${choice.name}`, cacheMark: options.cacheMark }),
    abortSignal: signal,
    // For what they say of the usage before the end.
    includeRawChunks: true,
  };
  if (temperature !== undefined) made.temperature = temperature;
  if (topP !== undefined) made.topP = topP;
  if (maxOutputTokens !== undefined) made.maxOutputTokens = maxOutputTokens;
  if (reasoningEffort !== undefined) made.reasoning = reasoningOf(reasoningEffort);
  if (options.providerOptions !== undefined) made.providerOptions = options.providerOptions;
  if (request.tools.length > 0) {
    made.tools = request.tools.map(({ name, description, parameters }) => ({
      type: "function",
      name,
      description,
      inputSchema: parameters,
    }));
  }
  return made;
}

const efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;

function reasoningOf(effort: string): (typeof efforts)[number] {
  const known = efforts.find((name) => name === effort);
  if (known !== undefined) return known;
  throw new TypeError(`model.reasoning_effort: ${effort} is none of ${efforts.join(", ")}`);
}
