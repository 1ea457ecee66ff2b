import type { ModelChoice, ModelSettings, ToolDefinition } from "../../ports/model.ts";
import { fitRequest, type FittedRequest, type PromptMaterial } from "../../domain/prompt/fit-request.ts";
import { modelWindowTokens } from "../../domain/prompt/model-window.ts";
import { systemPrompt } from "../../domain/prompt/system-prompt.ts";
import { correctionRatio } from "../../domain/prompt/tokens.ts";
import { conversation, type Conversation } from "../../domain/session/conversation.ts";
import type { SessionState, TurnState } from "../../domain/session/state.ts";
import type { SessionEvent } from "../../schema/session-event.ts";
import type { AgentModel } from "../../schema/agent-model.ts";
import type { AgentInForce } from "../living-session.ts";

/** A request as it follows from the log, and what it was made from. */
export type BuiltRequest = FittedRequest & {
  material: PromptMaterial;
  conversation: Conversation;
};

/** The exact next request of an open turn: from durable events only, so that after a crash it is built again the same. */
export function buildRequest(
  state: SessionState,
  turn: TurnState,
  events: readonly SessionEvent[],
  { agent, tools, settings }: AgentInForce,
): BuiltRequest {
  const { model } = agent.definition.spec;
  const talk = conversation(events);
  const material: PromptMaterial = {
    turns: talk.turns,
    summary: talk.summary,
    system: systemPrompt(agent, {
      startedAt: turn.startedAt,
      sessionId: state.sessionId ?? "",
      contextBlock: notesBlock(state.notes),
    }),
    tools: definitions(tools.tools.map((tool) => tool.definition)),
    context: settings.context,
    model: modelSettings(model),
    ratio: correctionRatio(state.samples),
    windowTokens: modelWindowTokens(model),
    iteration: turn.responses + 1,
  };
  return { ...fitRequest(material), material, conversation: talk };
}

const notesBlock = (notes: string | undefined): string | undefined =>
  notes === undefined || notes === "" ? undefined : `## Your working notes for this session\n\n${notes}`;

// Always in one order: a provider's prompt cache begins with the tools.
const definitions = (tools: ToolDefinition[]): ToolDefinition[] =>
  tools.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));

const modelSettings = (model: Omit<AgentModel, "fallbacks">): ModelSettings => ({
  temperature: model.temperature,
  topP: model.top_p,
  maxOutputTokens: model.max_output_tokens,
  reasoningEffort: model.reasoning_effort,
});

/** The agent's model and its fallbacks, in the order in which they are tried. */
export function modelChoices({ agent }: AgentInForce): { choice: ModelChoice; settings: ModelSettings }[] {
  const { fallbacks, ...first } = agent.definition.spec.model;
  return [first, ...fallbacks.map((other) => ({ ...inherited(first), ...other }))].map((model) => ({
    choice: {
      provider: model.provider,
      name: model.name,
      baseUrl: model.base_url,
      api: model.api,
      files: agent.files,
    },
    settings: modelSettings(model),
  }));
}

// A fallback is another provider's: where it is reached does not carry over.
const inherited = ({ temperature, top_p, max_output_tokens }: Omit<AgentModel, "fallbacks">) => ({
  temperature,
  top_p,
  max_output_tokens,
});
