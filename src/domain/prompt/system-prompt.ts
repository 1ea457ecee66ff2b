import { safetyDirectives } from "./safety-directives.ts";
import { skillsBlock, type Skill } from "./skills-block.ts";
import { expandTemplate, templateValues } from "./template.ts";

/** What of an agent stands in its prompt. */
export type PromptAgent = {
  readonly name: string;
  readonly home: string;
  readonly soul: string | undefined;
  readonly systemPrompt: string | undefined;
  readonly instructions: string | undefined;
  readonly directives: readonly string[];
  readonly skills: readonly Skill[];
};

export type PromptMoment = {
  /** Of the turn, ms since 1970. */
  readonly startedAt: number;
  readonly sessionId: string;
  /** What belongs to this session only: what a group said, working notes. */
  readonly contextBlock?: string | undefined;
};

/** The one system message: blocks in their fixed order, a blank line between two. The same for every call of a turn. */
export function systemPrompt(agent: PromptAgent, moment: PromptMoment): string {
  const values = templateValues({
    startedAt: moment.startedAt,
    sessionId: moment.sessionId,
    agentName: agent.name,
    agentHome: agent.home,
  });
  const expanded = (text: string | undefined) => (text === undefined ? undefined : expandTemplate(text, values));
  return [
    safetyDirectives,
    expanded(agent.soul),
    expanded(agent.systemPrompt),
    expanded(agent.instructions),
    directivesBlock(agent.directives),
    skillsBlock(agent.skills),
    moment.contextBlock,
  ]
    .map((block) => block?.trim() ?? "")
    .filter((block) => block !== "")
    .join("\n\n");
}

function directivesBlock(directives: readonly string[]): string | undefined {
  if (directives.length === 0) return undefined;
  // A rule of several lines stays one item of the list.
  const items = directives.map((directive) => `- ${directive.trim().replaceAll("\n", "\n  ")}`);
  return `## Directives\n\n${items.join("\n")}`;
}
