import type { ModelMessage } from "../../ports/model.ts";
import type { ContextSettings } from "../session/settings.ts";
import type { ConversationTurn } from "./conversation-turn.ts";
import { textTokens } from "./tokens.ts";

/** A tool's result cut to about `limitTokens`, with a line that says how much is missing and where the whole is. */
export function truncateResult(
  content: string,
  cut: { limitTokens: number; keep: ContextSettings["toolResultTruncation"]; artifact?: string | undefined },
): string {
  const tokens = textTokens(content);
  if (tokens <= cut.limitTokens) return content;
  const whole =
    cut.artifact === undefined
      ? ""
      : `; the whole is in artifact ${cut.artifact} (the tool artifact, where you have it, shows parts of it)`;
  const marker = `[cut: about ${tokens - cut.limitTokens} of ${tokens} tokens left out${whole}]`;
  // In proportion to the text's own bytes per unit, so that text beyond ASCII is cut by its bytes too.
  const units = Math.floor(content.length * (cut.limitTokens / tokens));
  switch (cut.keep) {
    case "head":
      return `${headOf(content, units)}\n${marker}`;
    case "tail":
      return `${marker}\n${tailOf(content, units)}`;
    case "both": {
      const half = Math.floor(units / 2);
      return `${headOf(content, half)}\n${marker}\n${tailOf(content, units - half)}`;
    }
  }
}

/** What stands for a result that the model has seen before. */
export function maskedResult(content: string): string {
  const mask = `[result masked: about ${textTokens(content)} tokens removed]`;
  return mask.length < content.length ? mask : content;
}

/** Every result of the turns cut to its limit and, from the second iteration on, masked between the first and the last few. */
export function shortenedTurns(
  turns: readonly ConversationTurn[],
  settings: ContextSettings,
  iteration: number,
): readonly ConversationTurn[] {
  const count = turns.reduce((sum, turn) => sum + resultCount(turn.messages), 0);
  if (count === 0) return turns;
  const masks = iteration >= 2 && settings.toolResultKeepFirst + settings.toolResultKeepLast > 0;
  const lastMasked = masks ? count - settings.toolResultKeepLast : 0;
  let place = 0;
  return turns.map((turn) => {
    if (resultCount(turn.messages) === 0) return turn;
    const messages = mapResults(turn.messages, (content, callId) => {
      const index = place++;
      if (index >= settings.toolResultKeepFirst && index < lastMasked) return maskedResult(content);
      return truncateResult(content, {
        limitTokens: settings.maxToolResultTokens,
        keep: settings.toolResultTruncation,
        artifact: turn.artifacts?.[callId],
      });
    });
    return { ...turn, messages };
  });
}

/** The messages with each result's content replaced, in order. */
export function mapResults(
  messages: readonly ModelMessage[],
  replace: (content: string, callId: string) => string,
): ModelMessage[] {
  return messages.map((message) =>
    message.role === "tool"
      ? {
          role: "tool",
          results: message.results.map((result) => ({ ...result, content: replace(result.content, result.callId) })),
        }
      : message,
  );
}

export function resultCount(messages: readonly ModelMessage[]): number {
  return messages.reduce((sum, message) => sum + (message.role === "tool" ? message.results.length : 0), 0);
}

// Half a surrogate pair would become a replacement character on the wire.
function headOf(text: string, units: number): string {
  const end = isLowSurrogate(text.charCodeAt(units)) ? units - 1 : units;
  return text.slice(0, Math.max(0, end));
}

function tailOf(text: string, units: number): string {
  const start = text.length - units;
  return text.slice(isLowSurrogate(text.charCodeAt(start)) ? start + 1 : start);
}

const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;
