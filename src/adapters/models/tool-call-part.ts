import type { LanguageModelV4ToolCall } from "@ai-sdk/provider";

import { z } from "zod";

import type { ModelPart, ModelRequest } from "../../ports/model.ts";
import type { ToolCall } from "../../schema/session-event.ts";

const argumentsSchema = z.record(z.string(), z.json());

/**
 * A provider's call as ours. Arguments that are no JSON object stay as the text that came, also in `arguments`: a string
 * fits no tool's schema, so the call can not run by mistake. Nothing for a call without arguments at the end of a response
 * that was cut at its length (`cut`): they may have been about to come.
 */
export function toolCallPart(
  call: LanguageModelV4ToolCall,
  options: { callId: string; cut: boolean },
): Extract<ModelPart, { type: "tool_call" }> | undefined {
  const given = call.input.trim();
  if (options.cut && (given === "" || given === "{}")) return undefined;
  const parsed = parseObject(given === "" ? "{}" : given);
  const made = (args: ToolCall["arguments"]): ToolCall => ({
    call_id: options.callId,
    tool_name: call.toolName,
    arguments: args,
  });
  return parsed === undefined
    ? { type: "tool_call", call: made(call.input), invalidArguments: call.input }
    : { type: "tool_call", call: made(parsed) };
}

function parseObject(text: string): Record<string, ToolCall["arguments"]> | undefined {
  try {
    const parsed = argumentsSchema.safeParse(JSON.parse(text));
    return parsed.data;
  } catch {
    // Not JSON: the caller keeps the text.
    return undefined;
  }
}

/**
 * Keeps a provider's id for a call if every provider takes it and the conversation has no such call yet; else a new one.
 * Some servers count their calls from 0 in each response, but in a session a call's id means one call.
 */
export function callIds(request: ModelRequest, newId: () => string): (given: string) => string {
  const taken = new Set(
    request.messages.flatMap((message) =>
      message.role === "assistant" ? message.toolCalls.map((call) => call.call_id) : [],
    ),
  );
  return (given) => {
    // OpenAI takes 40 characters, Anthropic only these; shorter ones are counters.
    const id = /^[A-Za-z0-9_-]{9,40}$/.test(given) && !taken.has(given) ? given : newId();
    taken.add(id);
    return id;
  };
}
