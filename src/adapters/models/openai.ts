import { createOpenAI } from "@ai-sdk/openai";

import type { Model } from "../../ports/model.ts";
import { aiSdkModel } from "./ai-sdk-model.ts";
import { createChatModel } from "./openai-chat.ts";
import { connectionSchema, ownBaseUrl, parseEntry, requireKey, type ProviderContext } from "./provider-options.ts";

export const optionsSchema = connectionSchema;

const officialUrl = "https://api.openai.com/v1";

// The provider keeps nothing: a session outlives what it would keep, so its reasoning comes to us, encrypted.
const keepNothing = { openai: { store: false, include: ["reasoning.encrypted_content"] } };

/** OpenAI: the Responses API at its own URL, the chat dialect at any other, or as `model.api` says. */
export function createModel(context: ProviderContext): Model {
  const { choice, fetch } = context;
  const options = parseEntry(optionsSchema, context);
  const baseUrl = ownBaseUrl(choice, options.base_url) ?? officialUrl;
  const apiKey = requireKey(context, options.api_key, ["OPENAI_API_KEY"]);
  const api = choice.api ?? (baseUrl === officialUrl ? "responses" : "chat");
  if (api === "chat" && baseUrl !== officialUrl) return createChatModel(context, { ...options, baseUrl, apiKey });
  const provider = createOpenAI({
    apiKey,
    baseURL: baseUrl,
    ...(options.headers && { headers: options.headers }),
    ...(fetch && { fetch }),
  });
  const languageModel = api === "chat" ? provider.chat(choice.name) : provider.responses(choice.name);
  return aiSdkModel({
    context,
    secrets: [apiKey],
    languageModel,
    ...(api === "responses" && { providerOptions: keepNothing }),
  });
}
