import type { ModelMessage, ModelRequest, ModelSettings, ToolDefinition } from "../../ports/model.ts";
import type { ContextSettings } from "../session/settings.ts";
import type { ConversationTurn } from "./conversation-turn.ts";
import { summaryMessage } from "./compaction.ts";
import { messagesTokens, textTokens, toolsTokens } from "./tokens.ts";
import { mapResults, maskedResult, resultCount, shortenedTurns, truncateResult } from "./tool-results.ts";

/** Room for the answer where the agent does not say how long it may be. */
export const assumedOutputTokens = 4096;
/** What the line about omitted messages may cost. */
const noticeTokens = 32;

export type PromptMaterial = {
  /** Oldest first; only the last may be open. */
  readonly turns: readonly ConversationTurn[];
  /** Stands for everything before the turns. */
  readonly summary: string | null;
  readonly system: string;
  readonly tools: readonly ToolDefinition[];
  readonly context: ContextSettings;
  readonly model: ModelSettings;
  /** `correctionRatio` of the session. */
  readonly ratio: number;
  /** `modelWindowTokens` of the model. */
  readonly windowTokens: number;
  /** Which model call of the turn it is, from 1. */
  readonly iteration: number;
};

/** The request and what it is thought to cost, in the provider's tokens. */
export type FittedRequest = {
  readonly request: ModelRequest;
  /** In our own measure, before `ratio`: half of a `TokenSample`. */
  readonly rawTokens: number;
  readonly estimatedTokens: number;
  readonly omittedMessages: number;
  readonly historyTokens: number;
  readonly windowTokens: number;
};

/**
 * The exact request: as many of the newest turns as the budget takes, whole, and always the open one. The budget is
 * the window less output, tools, system message and 10 %; closed turns are also capped by `maxHistoryTokens`.
 */
export function fitRequest(material: PromptMaterial): FittedRequest {
  const { ratio, windowTokens } = material;
  const corrected = (tokens: number) => Math.ceil(tokens * ratio);
  const fixedTokens = corrected(textTokens(material.system) + toolsTokens(material.tools) + noticeTokens);
  const outputTokens = material.model.maxOutputTokens ?? assumedOutputTokens;
  const budget = Math.max(0, windowTokens - outputTokens - fixedTokens - Math.floor(windowTokens / 10));
  const leading = material.summary === null ? [] : [summaryMessage(material.summary)];

  const turns = shortenedTurns(material.turns, material.context, material.iteration);
  const open = turns.findLast((turn) => turn.open)?.messages ?? [];
  const closed = turns.filter((turn) => !turn.open);
  const closedCap = material.context.maxHistoryTokens === 0 ? budget : material.context.maxHistoryTokens;
  const room = budget - corrected(messagesTokens(leading) + messagesTokens(open));
  const kept = newestThatFit(closed, Math.min(closedCap, room) / ratio);
  const omitted = closed
    .slice(0, closed.length - kept.turns.length)
    .reduce((sum, turn) => sum + turn.messages.length, 0);

  const openBudget = Math.floor((budget - corrected(messagesTokens(leading))) / ratio);
  const present = room < 0 ? squeezed(open, openBudget) : open;
  const system = omitted === 0 ? material.system : `${material.system}\n\n${omissionLine(omitted)}`;
  const history = [...leading, ...kept.turns.flatMap((turn) => turn.messages), ...present];
  const historyTokens = messagesTokens(leading) + kept.tokens + messagesTokens(present);
  const rawTokens = textTokens(system) + toolsTokens(material.tools) + historyTokens;
  return {
    request: { system, messages: history, tools: [...material.tools], settings: material.model },
    rawTokens,
    estimatedTokens: corrected(rawTokens),
    omittedMessages: omitted,
    historyTokens: corrected(historyTokens),
    windowTokens,
  };
}

/**
 * The share of the model's window that the whole conversation would take, before anything of it is left out:
 * above `compactAt` it is time to summarise.
 */
export function contextUse(material: PromptMaterial): number {
  const turns = shortenedTurns(material.turns, material.context, material.iteration);
  const history = turns.reduce((sum, turn) => sum + messagesTokens(turn.messages), 0);
  const summary = material.summary === null ? 0 : messagesTokens([summaryMessage(material.summary)]);
  const tokens = textTokens(material.system) + toolsTokens(material.tools) + summary + history;
  return (tokens * material.ratio) / material.windowTokens;
}

// Without gaps: an older turn that would fit is of no use after one that did not.
function newestThatFit(
  turns: readonly ConversationTurn[],
  limitTokens: number,
): { turns: readonly ConversationTurn[]; tokens: number } {
  let tokens = 0;
  let first = turns.length;
  for (let turn = turns[first - 1]; turn !== undefined; turn = turns[first - 1]) {
    const more = messagesTokens(turn.messages);
    if (tokens + more > limitTokens) break;
    tokens += more;
    first -= 1;
  }
  return { turns: turns.slice(first), tokens };
}

function omissionLine(messages: number): string {
  return messages === 1
    ? "(One older message of this conversation is left out here.)"
    : `(${messages} older messages of this conversation are left out here.)`;
}

// The open turn is never cut, so its results give way: the oldest are masked first, the newest is shortened last.
function squeezed(messages: readonly ModelMessage[], limitTokens: number): ModelMessage[] {
  const count = resultCount(messages);
  let excess = messagesTokens(messages) - limitTokens;
  let place = 0;
  return mapResults(messages, (content) => {
    place += 1;
    if (excess <= 0) return content;
    const shorter =
      place < count
        ? maskedResult(content)
        : truncateResult(content, {
            limitTokens: Math.max(50, textTokens(content) - excess - noticeTokens),
            keep: "both",
          });
    excess -= textTokens(content) - textTokens(shorter);
    return shorter;
  });
}
