import type { AgentDefinition } from "../../schema/agent.ts";
import { didYouMean } from "../../schema/suggestion.ts";

const later = "needs a later version";
/** Tools by which a model gets to see the file of a skill. */
const readers = new Set<string>(["read_file", "bash", "claude_code_exec", "codex_exec", "opencode_exec"]);

/**
 * What an agent sets that will not do what its writer expects: one sentence each.
 * `providers` are the names that `model.provider` can mean; without them none is judged.
 */
export function agentWarnings(
  { metadata, spec }: AgentDefinition,
  facts: { ownSkills: number; providers?: readonly string[] | undefined },
): string[] {
  const warnings: string[] = [];
  if (/[A-Z]/.test(metadata.name)) warnings.push(`name: ${metadata.name} has capitals; names are lower case`);
  for (const { provider } of [spec.model, ...spec.model.fallbacks]) {
    if (facts.providers === undefined || facts.providers.includes(provider)) continue;
    const guess = didYouMean(provider, facts.providers);
    warnings.push(`model: the provider ${provider} is neither built in nor under models.providers${guess}`);
  }
  if (spec.tools.some(({ type, name }) => type === "builtin" && name === "schedule"))
    warnings.push(`tools: schedule ${later}`);
  if (spec.memory?.backend !== undefined)
    warnings.push("memory.backend has no effect; see services.memory of duragent.yaml");
  if (spec.limits?.inbound?.per_client_per_minute !== undefined)
    warnings.push("limits.inbound.per_client_per_minute has no effect here: it is a key of duragent.yaml");
  if (facts.ownSkills > 0 && !spec.tools.some(({ type, name }) => type === "builtin" && readers.has(name)))
    warnings.push("skills: none of the agent's tools can read them; add read_file or bash to its tools");
  if (spec.session.compaction !== undefined)
    warnings.push("session.compaction has no effect: a log is never compacted");
  return warnings;
}
