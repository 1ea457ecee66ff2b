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
  /** What `contextUse` is computed from: the turns that were left out, and all else in full, in our own measure. */
  readonly whole: {
    readonly omitted: readonly ConversationTurn[];
    readonly otherTokens: number;
    readonly ratio: number;
  };
};

/**
 * The exact request: as many of the newest turns as the budget takes, whole, and always the open one. The budget is
 * the window less output, tools, system message and 10 %; closed turns are also capped by `maxHistoryTokens`.
 */
export function fitRequest(material: PromptMaterial): FittedRequest {
  const { ratio, windowTokens } = material;
  const corrected = (tokens: number) => Math.ceil(tokens * ratio);
  const systemTokens = textTokens(material.system);
  const toolTokens = toolsTokens(material.tools);
  const fixedTokens = corrected(systemTokens + toolTokens + noticeTokens);
  const outputTokens = material.model.maxOutputTokens ?? assumedOutputTokens;
  const budget = Math.max(0, windowTokens - outputTokens - fixedTokens - Math.floor(windowTokens / 10));
  const leading = material.summary === null ? [] : [summaryMessage(material.summary)];
  const leadingTokens = messagesTokens(leading);

  const turns = shortenedTurns(material.turns, material.context, material.iteration);
  const open = turns.findLast((turn) => turn.open)?.messages ?? [];
  const openTokens = messagesTokens(open);
  const closed = turns.filter((turn) => !turn.open);
  const closedCap = material.context.maxHistoryTokens === 0 ? budget : material.context.maxHistoryTokens;
  const room = budget - corrected(leadingTokens + openTokens);
  const kept = newestThatFit(closed, Math.min(closedCap, room) / ratio);
  const left = closed.slice(0, closed.length - kept.turns.length);
  const omitted = left.reduce((sum, turn) => sum + turn.messages.length, 0);

  const openBudget = Math.floor((budget - corrected(leadingTokens)) / ratio);
  const present = room < 0 ? squeezed(open, openBudget) : open;
  const presentTokens = room < 0 ? messagesTokens(present) : openTokens;
  const system = omitted === 0 ? material.system : `${material.system}\n\n${omissionLine(omitted)}`;
  const history = [...leading, ...kept.turns.flatMap((turn) => turn.messages), ...present];
  const historyTokens = leadingTokens + kept.tokens + presentTokens;
  const rawTokens = (omitted === 0 ? systemTokens : textTokens(system)) + toolTokens + historyTokens;
  return {
    request: { system, messages: history, tools: [...material.tools], settings: material.model },
    rawTokens,
    estimatedTokens: corrected(rawTokens),
    omittedMessages: omitted,
    historyTokens: corrected(historyTokens),
    windowTokens,
    whole: {
      omitted: left,
      otherTokens: systemTokens + toolTokens + leadingTokens + kept.tokens + openTokens,
      ratio,
    },
  };
}

/**
 * The share of the model's window that the whole conversation would take, before anything of it is left out: above
 * `compactAt` it is time to summarise. Counts what was left out, and only that.
 */
export function contextUse({ whole, windowTokens }: FittedRequest): number {
  const omitted = whole.omitted.reduce((sum, turn) => sum + messagesTokens(turn.messages), 0);
  return ((whole.otherTokens + omitted) * whole.ratio) / windowTokens;
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
