import type { ModelMessage, ToolDefinition } from "../../ports/model.ts";

const bytesPerToken = 4;
const tokensPerMessage = 4;

/** UTF-8 bytes / 4, rounded up. */
export function textTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / bytesPerToken);
}

/** What a message costs by the same rule, with its calls as JSON and 4 for what stands around it. */
export function messageTokens(message: ModelMessage): number {
  switch (message.role) {
    case "user":
      return textTokens(message.content) + tokensPerMessage;
    case "assistant": {
      const calls = message.toolCalls.length === 0 ? 0 : textTokens(JSON.stringify(message.toolCalls));
      const state = message.providerState === undefined ? 0 : textTokens(JSON.stringify(message.providerState));
      return textTokens(message.content) + calls + state + tokensPerMessage;
    }
    case "tool":
      return message.results.reduce(
        (sum, result) => sum + textTokens(result.content) + textTokens(result.callId) + tokensPerMessage,
        0,
      );
  }
}

export function messagesTokens(messages: readonly ModelMessage[]): number {
  return messages.reduce((sum, message) => sum + messageTokens(message), 0);
}

export function toolsTokens(tools: readonly ToolDefinition[]): number {
  return tools.length === 0 ? 0 : textTokens(JSON.stringify(tools));
}

/** One model call: what we thought its request has, and what the provider counted. */
export type TokenSample = { readonly estimatedTokens: number; readonly reportedTokens: number };

/**
 * How many of the provider's tokens one of ours is, from the calls of a session; 1 without any.
 * Small requests say little and a provider may count nonsense, so it stays between 0.5 and 3.
 */
export function correctionRatio(samples: readonly TokenSample[]): number {
  let estimated = 0;
  let reported = 0;
  for (const sample of samples) {
    if (sample.estimatedTokens < 200 || sample.reportedTokens <= 0) continue;
    estimated += sample.estimatedTokens;
    reported += sample.reportedTokens;
  }
  if (estimated === 0) return 1;
  const ratio = Math.min(3, Math.max(0.5, reported / estimated));
  return Math.round(ratio * 100) / 100;
}
