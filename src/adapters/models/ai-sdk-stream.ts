import type { LanguageModelV4StreamPart, LanguageModelV4ToolCall, LanguageModelV4Usage } from "@ai-sdk/provider";

import { ModelFailure, type ModelPart, type ModelStop } from "../../ports/model.ts";
import type { Usage } from "../../schema/session-event.ts";
import { earlyUsage } from "./early-usage.ts";
import { mergeMetadata, providerStateOf, type StateBlock } from "./provider-state.ts";
import { toolCallPart } from "./tool-call-part.ts";

type Finish = Extract<LanguageModelV4StreamPart, { type: "finish" }>;
type OpenCall = { call: LanguageModelV4ToolCall; block: Extract<StateBlock, { type: "call" }> };
type OpenBlock = Extract<StateBlock, { type: "text" | "reasoning" }>;

export type StreamFacts = {
  /** Gives a call the id that it has from here on; called once for each call, in order. */
  callId: (given: string) => string;
  /** `usage.cost` is what the provider charges, in US dollars. */
  reportsCost: boolean;
  failure: (error: unknown, usage?: Usage) => ModelFailure;
};

/**
 * Reads a provider's stream to its end marker. Calls come out only after it: what is cut off has none.
 * Throws ModelFailure, retryable, when the stream ends without a reason that counts as an end.
 */
export async function* readStream(
  stream: ReadableStream<LanguageModelV4StreamPart>,
  facts: StreamFacts,
): AsyncGenerator<ModelPart> {
  const blocks: StateBlock[] = [];
  const open = new Map<string, OpenBlock>();
  const calls: OpenCall[] = [];

  // `for await` cancels the stream when we leave early, and with it the connection.
  for await (const part of stream) {
    switch (part.type) {
      case "text-start":
      case "reasoning-start":
      case "text-end":
      case "reasoning-end": {
        note(blockOf(part), part.providerMetadata);
        break;
      }
      case "text-delta": {
        const block = blockOf(part);
        note(block, part.providerMetadata);
        if (block.type === "text") block.length += part.delta.length;
        if (part.delta !== "") yield { type: "text", text: part.delta };
        break;
      }
      case "reasoning-delta": {
        const block = blockOf(part);
        note(block, part.providerMetadata);
        if (block.type === "reasoning") block.text += part.delta;
        if (part.delta !== "") yield { type: "thinking", text: part.delta };
        break;
      }
      case "tool-input-delta":
        yield { type: "progress", bytes: Buffer.byteLength(part.delta) };
        break;
      case "tool-call":
        // What the provider runs itself is not ours to run.
        if (part.providerExecuted !== true) {
          const metadata = mergeMetadata(undefined, part.providerMetadata);
          const block: OpenCall["block"] = { type: "call", call_id: part.toolCallId, ...(metadata && { metadata }) };
          calls.push({ call: part, block });
          blocks.push(block);
        }
        break;
      case "raw": {
        const usage = earlyUsage(part.rawValue);
        if (usage !== undefined) yield { type: "usage", usage };
        break;
      }
      case "error":
        throw facts.failure(part.error);
      case "finish":
        yield* finish(part, { blocks, calls }, facts);
        return;
      default:
        break;
    }
  }
  throw facts.failure(cutOff());

  function blockOf(part: { type: string; id: string }): OpenBlock {
    const type = part.type.startsWith("text") ? "text" : "reasoning";
    const key = `${type} ${part.id}`;
    const known = part.type.endsWith("-start") ? undefined : open.get(key);
    if (known !== undefined) return known;
    const made: OpenBlock = type === "text" ? { type, length: 0 } : { type, text: "" };
    open.set(key, made);
    blocks.push(made);
    return made;
  }
}

function note(block: OpenBlock, metadata: Parameters<typeof mergeMetadata>[1]): void {
  const merged = mergeMetadata(block.metadata, metadata);
  if (merged !== undefined) block.metadata = merged;
}

function* finish(
  part: Finish,
  { blocks, calls }: { blocks: StateBlock[]; calls: OpenCall[] },
  facts: StreamFacts,
): Generator<ModelPart> {
  const usage = usageOf(part.usage, facts.reportsCost);
  const reason = part.finishReason.unified;
  if (reason === "interrupted") throw facts.failure(cutOff(), usage);
  if (reason !== "stop" && reason !== "length" && reason !== "tool-calls" && reason !== "content-filter") {
    const words = `the provider ended the response with ${part.finishReason.raw ?? reason}, which is no end of an answer`;
    throw new ModelFailure(words, { retryable: true, ...(usage && { usage }) });
  }
  const left = new Set<StateBlock>();
  for (const [index, { call, block }] of calls.entries()) {
    block.call_id = facts.callId(call.toolCallId);
    // What was refused is not run.
    const made =
      reason === "content-filter"
        ? undefined
        : toolCallPart(call, { callId: block.call_id, cut: reason === "length" && index === calls.length - 1 });
    if (made === undefined) left.add(block);
    else yield made;
  }
  const state = providerStateOf(blocks.filter((block) => !left.has(block)));
  const stop = stopOf(reason, calls.length - left.size);
  yield { type: "finish", stop, ...(usage && { usage }), ...(state && { providerState: state }) };
}

function stopOf(reason: "stop" | "length" | "tool-calls" | "content-filter", calls: number): ModelStop {
  // Some providers say `stop` after calls, or `tool-calls` without any.
  if (calls > 0) return "tool_calls";
  if (reason === "length") return "length";
  return reason === "content-filter" ? "refused" : "end";
}

function cutOff(): ModelFailure {
  return new ModelFailure("the provider's response broke off before its end", { retryable: true });
}

function usageOf(usage: LanguageModelV4Usage, reportsCost: boolean): Usage | undefined {
  const { total: input, cacheRead } = usage.inputTokens;
  const { total: output } = usage.outputTokens;
  if (input === undefined && output === undefined) return undefined;
  const prompt = tokens(input);
  const completion = tokens(output);
  const cost = reportsCost ? usage.raw?.["cost"] : undefined;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    ...(cacheRead !== undefined && cacheRead > 0 && { cached_prompt_tokens: tokens(cacheRead) }),
    ...(typeof cost === "number" && cost >= 0 && { cost_usd: cost }),
  };
}

function tokens(count: number | undefined): number {
  return Math.max(0, Math.round(count ?? 0));
}
