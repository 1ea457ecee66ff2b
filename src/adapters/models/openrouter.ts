import type { Model } from "../../ports/model.ts";
import { createChatModel } from "./openai-chat.ts";
import {
  connectionSchema,
  ownBaseUrl,
  parseEntry,
  requireChat,
  requireKey,
  type ProviderContext,
} from "./provider-options.ts";

export const optionsSchema = connectionSchema;

/** OpenRouter, in the chat dialect; its usage says what a call cost. */
export function createModel(context: ProviderContext): Model {
  requireChat(context.choice);
  const options = parseEntry(optionsSchema, context);
  const apiKey = requireKey(context, options.api_key, ["OPENROUTER_API_KEY"]);
  const baseUrl = ownBaseUrl(context.choice, options.base_url) ?? "https://openrouter.ai/api/v1";
  return createChatModel(context, { ...options, apiKey, baseUrl, reportsCost: true });
}
