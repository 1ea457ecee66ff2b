import type {
  LanguageModelV4Message,
  LanguageModelV4Prompt,
  LanguageModelV4TextPart,
  LanguageModelV4ReasoningPart,
  LanguageModelV4ToolCallPart,
  SharedV4ProviderOptions,
} from "@ai-sdk/provider";

import type { ModelMessage, ModelRequest } from "../../ports/model.ts";
import type { ToolCall } from "../../schema/session-event.ts";
import { blocksFor } from "./provider-state.ts";
import { withoutToolMessages } from "./without-tools.ts";

type AssistantMessage = Extract<ModelMessage, { role: "assistant" }>;
type AssistantPart = LanguageModelV4TextPart | LanguageModelV4ReasoningPart | LanguageModelV4ToolCallPart;

/** The request as the AI SDK's providers take it. `model` is `provider/name`: opaque state goes back to the model that made it, to no other. */
export function promptOf(
  request: ModelRequest,
  options: { model: string; cacheMark?: SharedV4ProviderOptions | undefined },
): LanguageModelV4Prompt {
  const prompt: LanguageModelV4Message[] = [];
  if (request.system !== "") prompt.push({ role: "system", content: request.system });
  for (const message of withoutToolMessages(request)) {
    const translated = messageOf(message, options.model);
    if (translated !== undefined) prompt.push(translated);
  }
  if (options.cacheMark !== undefined) {
    const marked = new Set([prompt.findIndex((message) => message.role === "system"), prompt.length - 1]);
    for (const index of marked) {
      const message = prompt[index];
      if (message !== undefined) message.providerOptions = options.cacheMark;
    }
  }
  return prompt;
}

function messageOf(message: ModelMessage, model: string): LanguageModelV4Message | undefined {
  switch (message.role) {
    case "user":
      // Providers refuse a message without text.
      return {
        role: "user",
        content: [{ type: "text", text: message.content.trim() === "" ? "(empty)" : message.content }],
      };
    case "assistant": {
      const content = assistantParts(message, model);
      return content.length > 0 ? { role: "assistant", content } : undefined;
    }
    case "tool":
      return {
        role: "tool",
        content: message.results.map((result) => ({
          type: "tool-result",
          toolCallId: result.callId,
          toolName: legalName(result.toolName),
          output: { type: result.success ? "text" : "error-text", value: result.content },
        })),
      };
  }
}

function assistantParts(message: AssistantMessage, model: string): AssistantPart[] {
  const blocks = blocksFor(message, model);
  if (blocks === undefined) {
    const text: AssistantPart[] = message.content.trim() === "" ? [] : [{ type: "text", text: message.content }];
    return [...text, ...message.toolCalls.map(callPart)];
  }
  const calls = message.toolCalls.values();
  let offset = 0;
  return blocks.flatMap((block): AssistantPart[] => {
    const options = block.metadata && { providerOptions: block.metadata };
    if (block.type === "reasoning") return [{ type: "reasoning", text: block.text, ...options }];
    if (block.type === "call") {
      const call = calls.next().value;
      return call === undefined ? [] : [{ ...callPart(call), ...options }];
    }
    const text = message.content.slice(offset, offset + block.length);
    offset += block.length;
    return text.trim() === "" && options === undefined ? [] : [{ type: "text", text, ...options }];
  });
}

function callPart(call: ToolCall): LanguageModelV4ToolCallPart {
  const { arguments: given } = call;
  const isObject = typeof given === "object" && given !== null && !Array.isArray(given);
  return {
    type: "tool-call",
    toolCallId: call.call_id,
    toolName: legalName(call.tool_name),
    // What was no JSON is a string in the log; providers take objects only.
    input: isObject ? given : { unparsed_arguments: given },
  };
}

/** A name that the model made up may hold what providers refuse when it comes back to them. */
function legalName(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, 64) || "unknown";
}
