import { createGoogle } from "@ai-sdk/google";

import type { Model } from "../../ports/model.ts";
import { aiSdkModel } from "./ai-sdk-model.ts";
import {
  connectionSchema,
  ownBaseUrl,
  parseEntry,
  requireChat,
  requireKey,
  type ProviderContext,
} from "./provider-options.ts";

export const optionsSchema = connectionSchema;

/** Google's Gemini API. */
export function createModel(context: ProviderContext): Model {
  const { choice, fetch } = context;
  requireChat(choice);
  const options = parseEntry(optionsSchema, context);
  const baseUrl = ownBaseUrl(choice, options.base_url);
  const apiKey = requireKey(context, options.api_key, ["GOOGLE_GENERATIVE_AI_API_KEY", "GEMINI_API_KEY"]);
  const provider = createGoogle({
    apiKey,
    ...(baseUrl !== undefined && { baseURL: baseUrl }),
    ...(options.headers && { headers: options.headers }),
    ...(fetch && { fetch }),
  });
  return aiSdkModel({ context, secrets: [apiKey], languageModel: provider(choice.name) });
}
