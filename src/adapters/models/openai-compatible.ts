import type { Model } from "../../ports/model.ts";
import { DuragentError } from "../../schema/problem.ts";
import { createChatModel } from "./openai-chat.ts";
import { connectionSchema, ownBaseUrl, parseEntry, requireChat, type ProviderContext } from "./provider-options.ts";

export const optionsSchema = connectionSchema;

/** Any server that speaks the chat dialect: vLLM, llama.cpp, LM Studio, a proxy. A key only if it is configured. */
export function createModel(context: ProviderContext): Model {
  const { choice } = context;
  requireChat(choice);
  const options = parseEntry(optionsSchema, context);
  const baseUrl = ownBaseUrl(choice, options.base_url);
  if (baseUrl === undefined) {
    throw new DuragentError(
      "unprocessable",
      `provider ${choice.provider} has no URL: set models.providers.${choice.provider}.base_url in duragent.yaml, or model.base_url of the agent`,
    );
  }
  const apiKey = options.api_key ?? context.storedKeys[choice.provider];
  return createChatModel(context, { ...options, apiKey, baseUrl });
}
