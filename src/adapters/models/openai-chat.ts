import { createOpenAICompatible } from "@ai-sdk/openai-compatible";

import type { Model } from "../../ports/model.ts";
import { aiSdkModel } from "./ai-sdk-model.ts";
import type { ProviderContext } from "./provider-options.ts";

/** OpenAI's chat dialect as everyone else speaks it: `max_tokens`, usage asked for, reasoning as `reasoning_content`. */
export function createChatModel(
  context: ProviderContext,
  options: {
    baseUrl: string;
    apiKey?: string | undefined;
    headers?: Record<string, string> | undefined;
    /** The provider's own figure for what a call cost is in its usage (`cost`, US dollars). */
    reportsCost?: boolean;
  },
): Model {
  const { choice, fetch } = context;
  const provider = createOpenAICompatible({
    name: "chat",
    baseURL: options.baseUrl,
    includeUsage: true,
    ...(options.apiKey !== undefined && { apiKey: options.apiKey }),
    ...(options.headers && { headers: options.headers }),
    ...(fetch && { fetch }),
  });
  return aiSdkModel({
    context,
    secrets: options.apiKey === undefined ? [] : [options.apiKey],
    languageModel: provider(choice.name),
    reportsCost: options.reportsCost ?? false,
  });
}
