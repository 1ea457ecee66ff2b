import type { SharedV4ProviderMetadata } from "@ai-sdk/provider";
import { crc32 } from "node:zlib";
import { z } from "zod";

import type { ModelMessage } from "../../ports/model.ts";

// What a provider wants back with its own response: the order of its parts, its reasoning, signatures, ids of items.
// Text and arguments stand in the response already; here are only lengths and call ids.

const metadataSchema = z.record(z.string(), z.record(z.string(), z.json()));
const blockSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text"), length: z.int().min(0), metadata: metadataSchema.optional() }),
  z.object({ type: z.literal("reasoning"), text: z.string(), metadata: metadataSchema.optional() }),
  z.object({ type: z.literal("call"), call_id: z.string(), metadata: metadataSchema.optional() }),
]);
export type StateBlock =
  | { type: "text"; length: number; metadata?: SharedV4ProviderMetadata | undefined }
  | { type: "reasoning"; text: string; metadata?: SharedV4ProviderMetadata | undefined }
  | { type: "call"; call_id: string; metadata?: SharedV4ProviderMetadata | undefined };
const stateSchema = z.object({ blocks: z.array(blockSchema), check: z.string() });

type AssistantMessage = Extract<ModelMessage, { role: "assistant" }>;

/** What is stored with a response as `provider_state`; nothing if the provider would learn nothing from it. */
export function providerStateOf(blocks: StateBlock[]): { blocks: StateBlock[]; check: string } | undefined {
  const tells = blocks.some((block) => block.type === "reasoning" || block.metadata !== undefined);
  return tells ? { blocks, check: checkOf(blocks) } : undefined;
}

/**
 * The blocks of a response by the model that it is now sent to, or nothing: another model made it, or it is not as it was
 * (a redacted secret, a cut text): a signature over it would be refused, and with it every later request of the session.
 */
export function blocksFor(message: AssistantMessage, model: string): StateBlock[] | undefined {
  if (message.madeBy !== model || message.providerState === undefined) return undefined;
  const parsed = stateSchema.safeParse(message.providerState);
  if (!parsed.success || checkOf(parsed.data.blocks) !== parsed.data.check) return undefined;
  const { blocks } = parsed.data;
  const length = blocks.reduce((sum, block) => sum + (block.type === "text" ? block.length : 0), 0);
  const calls = blocks.flatMap((block) => (block.type === "call" ? [block.call_id] : []));
  const same =
    calls.length === message.toolCalls.length &&
    message.toolCalls.every((call, index) => call.call_id === calls[index]);
  return same && length === message.content.length ? blocks : undefined;
}

/** Later facts about a block win over earlier ones, provider by provider. */
export function mergeMetadata(
  earlier: SharedV4ProviderMetadata | undefined,
  later: SharedV4ProviderMetadata | undefined,
): SharedV4ProviderMetadata | undefined {
  if (later === undefined) return earlier;
  const merged = { ...earlier };
  for (const [provider, facts] of Object.entries(later)) {
    const kept = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined && value !== null));
    if (Object.keys(kept).length > 0) merged[provider] = { ...merged[provider], ...kept };
  }
  return Object.keys(merged).length > 0 ? merged : undefined;
}

function checkOf(blocks: StateBlock[]): string {
  return crc32(JSON.stringify(blocks)).toString(16).padStart(8, "0");
}
