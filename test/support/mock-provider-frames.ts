// The two dialects of test/support/mock-provider.ts as whole SSE frames, in the order in which the real providers send them.

export type MockToolCall = {
  id?: string;
  name: string;
  /** Text is sent as it stands: arguments that are not JSON. */
  arguments: Record<string, unknown> | string;
};

export type MockAnswer = {
  /** Pieces of text; each is a frame of its own. */
  chunks?: string[];
  /** A thought before the text; the signature is Anthropic's only. */
  thinking?: { text: string; signature?: string };
  toolCalls?: MockToolCall[];
  usage?: { input: number; output: number; cached?: number };
  /** In the dialect's own word (`end_turn`, `max_tokens`, `length`, …) instead of what fits the answer. */
  stopReason?: string;
};

export type MockFrame = {
  bytes: string;
  /** Carries text, thought or arguments. */
  content: boolean;
};

const usageDefault: NonNullable<MockAnswer["usage"]> = { input: 10, output: 5 };

function argumentsText(call: MockToolCall): string {
  return typeof call.arguments === "string" ? call.arguments : JSON.stringify(call.arguments);
}

/** Long arguments come in pieces, as they would over the wire. */
function pieces(text: string): string[] {
  const size = Math.max(16, Math.ceil(text.length / 8));
  return Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
    text.slice(index * size, (index + 1) * size),
  );
}

/** https://docs.anthropic.com/en/docs/build-with-claude/streaming */
export function anthropicFrames(answer: MockAnswer, model: string): MockFrame[] {
  const usage = answer.usage ?? usageDefault;
  const frames: MockFrame[] = [];
  const push = (type: string, data: Record<string, unknown>, content = false): void => {
    frames.push({ bytes: `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`, content });
  };
  let index = 0;
  const block = (start: Record<string, unknown>, deltas: Record<string, unknown>[]): void => {
    push("content_block_start", { index, content_block: start });
    for (const delta of deltas) push("content_block_delta", { index, delta }, delta["type"] !== "signature_delta");
    push("content_block_stop", { index });
    index += 1;
  };

  const input = usage.input - (usage.cached ?? 0);
  push("message_start", {
    message: {
      id: "msg_mock",
      type: "message",
      role: "assistant",
      model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: {
        input_tokens: input,
        cache_read_input_tokens: usage.cached ?? 0,
        cache_creation_input_tokens: 0,
        output_tokens: 1,
      },
    },
  });
  if (answer.thinking) {
    const { text, signature } = answer.thinking;
    block({ type: "thinking", thinking: "", signature: "" }, [
      { type: "thinking_delta", thinking: text },
      ...(signature === undefined ? [] : [{ type: "signature_delta", signature }]),
    ]);
  }
  if (answer.chunks && answer.chunks.length > 0) {
    block(
      { type: "text", text: "" },
      answer.chunks.map((text) => ({ type: "text_delta", text })),
    );
  }
  for (const [position, call] of (answer.toolCalls ?? []).entries()) {
    const id = call.id ?? `toolu_mock_${position}_${call.name}`;
    block(
      { type: "tool_use", id, name: call.name, input: {} },
      pieces(argumentsText(call)).map((piece) => ({ type: "input_json_delta", partial_json: piece })),
    );
  }
  const stop = answer.stopReason ?? (answer.toolCalls?.length ? "tool_use" : "end_turn");
  push("message_delta", { delta: { stop_reason: stop, stop_sequence: null }, usage: { output_tokens: usage.output } });
  push("message_stop", {});
  return frames;
}

/** https://platform.openai.com/docs/api-reference/chat-streaming */
export function chatFrames(answer: MockAnswer, model: string): MockFrame[] {
  const usage = answer.usage ?? usageDefault;
  const frames: MockFrame[] = [];
  const push = (data: Record<string, unknown>, content = false): void => {
    const whole = { id: "chatcmpl-mock", object: "chat.completion.chunk", created: 1, model, ...data };
    frames.push({ bytes: `data: ${JSON.stringify(whole)}\n\n`, content });
  };
  const delta = (part: Record<string, unknown>, content = false): void => {
    push({ choices: [{ index: 0, delta: part, finish_reason: null }] }, content);
  };

  delta({ role: "assistant", content: "" });
  if (answer.thinking) delta({ reasoning_content: answer.thinking.text }, true);
  for (const text of answer.chunks ?? []) delta({ content: text }, true);
  for (const [index, call] of (answer.toolCalls ?? []).entries()) {
    const id = call.id ?? `call_mock_${index}_${call.name}`;
    delta({ tool_calls: [{ index, id, type: "function", function: { name: call.name, arguments: "" } }] });
    for (const piece of pieces(argumentsText(call))) {
      delta({ tool_calls: [{ index, function: { arguments: piece } }] }, true);
    }
  }
  const stop = answer.stopReason ?? (answer.toolCalls?.length ? "tool_calls" : "stop");
  push({ choices: [{ index: 0, delta: {}, finish_reason: stop }] });
  push({
    choices: [],
    usage: {
      prompt_tokens: usage.input,
      completion_tokens: usage.output,
      total_tokens: usage.input + usage.output,
      prompt_tokens_details: { cached_tokens: usage.cached ?? 0 },
    },
  });
  frames.push({ bytes: "data: [DONE]\n\n", content: false });
  return frames;
}
