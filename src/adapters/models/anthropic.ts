import { createAnthropic } from "@ai-sdk/anthropic";

import type { Model } from "../../ports/model.ts";
import { aiSdkModel } from "./ai-sdk-model.ts";
import { connectionSchema, ownBaseUrl, parseEntry, requireKey, type ProviderContext } from "./provider-options.ts";

export const optionsSchema = connectionSchema;

// Marks the end of what is the same at the next call, so that the provider reads it from its cache.
const cacheControl = { anthropic: { cacheControl: { type: "ephemeral" } } };

/** Anthropic's Messages API. `base_url` is given with or without the version's path. */
export function createModel(context: ProviderContext): Model {
  const { choice, fetch } = context;
  const options = parseEntry(optionsSchema, context);
  const baseUrl = ownBaseUrl(choice, options.base_url);
  const apiKey = requireKey(context, options.api_key, ["ANTHROPIC_API_KEY"]);
  const provider = createAnthropic({
    apiKey,
    // The package does not add the version itself once it is given a URL.
    baseURL: /\/v\d+$/.test(baseUrl ?? "/v1") ? (baseUrl ?? "https://api.anthropic.com/v1") : `${baseUrl}/v1`,
    ...(options.headers && { headers: options.headers }),
    ...(fetch && { fetch }),
  });
  return aiSdkModel({
    context,
    secrets: [apiKey],
    languageModel: provider(choice.name),
    cacheMark: cacheControl,
    // Those that imitate the API refuse what they do not know.
    ...(baseUrl !== undefined && { providerOptions: { anthropic: { toolStreaming: false } } }),
  });
}
