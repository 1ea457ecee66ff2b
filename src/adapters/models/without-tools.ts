import type { ModelMessage, ModelRequest } from "../../ports/model.ts";

/**
 * The messages of a request that offers no tools, with the calls and results of earlier ones told as text: providers
 * refuse calls in a conversation without tools, and what is not offered must not look as if it could be called.
 */
export function withoutToolMessages(request: ModelRequest): ModelMessage[] {
  if (request.tools.length > 0) return request.messages;
  return request.messages.map((message) => {
    if (message.role === "tool") {
      const told = message.results.map((result) => `[Result of ${result.toolName}: ${result.content}]`);
      return { role: "user", content: told.join("\n\n") };
    }
    if (message.role === "user" || message.toolCalls.length === 0) return message;
    const told = message.toolCalls.map((call) => `[Called ${call.tool_name} with ${JSON.stringify(call.arguments)}]`);
    const said = message.content.trim() === "" ? [] : [message.content];
    return { role: "assistant", content: [...said, ...told].join("\n\n"), toolCalls: [] };
  });
}
