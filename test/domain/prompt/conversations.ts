import fc from "fast-check";

import type { ModelMessage } from "../../../src/ports/model.ts";
import type { ConversationTurn } from "../../../src/domain/prompt/conversation-turn.ts";
import type { PromptMaterial } from "../../../src/domain/prompt/fit-request.ts";

export const contextDefaults: PromptMaterial["context"] = {
  maxHistoryTokens: 40_000,
  maxToolResultTokens: 8_000,
  toolResultTruncation: "head",
  toolResultKeepFirst: 2,
  toolResultKeepLast: 5,
  compactAt: 0.8,
};

/** What `fitRequest` gets, with everything ordinary that a test does not name. */
export function material(given: Partial<PromptMaterial>): PromptMaterial {
  return {
    turns: [],
    summary: null,
    system: "You help.",
    tools: [],
    context: contextDefaults,
    model: {},
    ratio: 1,
    windowTokens: 128_000,
    iteration: 1,
    ...given,
  };
}

export const user = (content: string): ModelMessage => ({ role: "user", content });
export const agent = (content: string): ModelMessage => ({ role: "assistant", content, toolCalls: [] });

/** One call of a tool and its result. */
export function toolUse(callId: string, result: string): ModelMessage[] {
  return [
    {
      role: "assistant",
      content: "",
      toolCalls: [{ call_id: callId, tool_name: "bash", arguments: { command: "ls" } }],
    },
    { role: "tool", results: [{ callId, toolName: "bash", content: result, success: true }] },
  ];
}

export const closed = (...messages: ModelMessage[]): ConversationTurn => ({ messages, open: false });
export const open = (...messages: ModelMessage[]): ConversationTurn => ({ messages, open: true });

const text = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: "grapheme", maxLength: 60 }) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 40_000 }).map((length) => "große Liste 🌳 ".repeat(length / 15 + 1)),
  },
);

const uses = fc.array(fc.array(text, { minLength: 1, maxLength: 3 }), { maxLength: 8 }).map((rounds) =>
  rounds.flatMap((results, round): ModelMessage[] => [
    {
      role: "assistant",
      content: "",
      toolCalls: results.map((_, index) => ({ call_id: `c${round}.${index}`, tool_name: "bash", arguments: {} })),
    },
    {
      role: "tool",
      results: results.map((content, index) => ({
        callId: `c${round}.${index}`,
        toolName: "bash",
        content,
        success: true,
      })),
    },
  ]),
);

const closedTurn = fc.tuple(text, uses, text).map(([asked, used, said]) => closed(user(asked), ...used, agent(said)));
const openTurn = fc.tuple(text, uses).map(([asked, used]) => open(user(asked), ...used));

/** Any conversation with any budget. */
export const anyMaterial: fc.Arbitrary<PromptMaterial> = fc
  .record({
    past: fc.array(closedTurn, { maxLength: 6 }),
    present: fc.option(openTurn, { nil: undefined }),
    summary: fc.option(text, { nil: null }),
    system: text,
    ratio: fc.double({ min: 0.5, max: 3, noNaN: true }),
    windowTokens: fc.oneof(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 500, max: 300_000 })),
    iteration: fc.integer({ min: 1, max: 4 }),
    maxOutputTokens: fc.option(fc.integer({ min: 1, max: 10_000 }), { nil: undefined }),
    context: fc.record({
      maxHistoryTokens: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 50_000 })),
      maxToolResultTokens: fc.integer({ min: 1, max: 10_000 }),
      toolResultTruncation: fc.constantFrom("head" as const, "tail" as const, "both" as const),
      toolResultKeepFirst: fc.integer({ min: 0, max: 3 }),
      toolResultKeepLast: fc.integer({ min: 0, max: 6 }),
      compactAt: fc.constant(0.8),
    }),
  })
  .map(({ past, present, maxOutputTokens, ...rest }) => ({
    ...rest,
    turns: present === undefined ? past : [...past, present],
    tools: [],
    model: { maxOutputTokens },
  }));

/** Why a provider would refuse the messages; `null`: it would not. */
export function grammarFault(messages: readonly ModelMessage[]): string | null {
  for (const [index, message] of messages.entries()) {
    const next = messages[index + 1];
    if (message.role === "assistant" && message.toolCalls.length > 0) {
      const called = message.toolCalls.map((call) => call.call_id);
      const answered = next?.role === "tool" ? next.results.map((result) => result.callId) : [];
      if (called.join() !== answered.join()) return `calls ${called.join()} are answered by ${answered.join()}`;
    }
    if (message.role === "tool") {
      const before = messages[index - 1];
      if (before?.role !== "assistant" || before.toolCalls.length === 0) return "a result without its call";
    }
  }
  return null;
}
