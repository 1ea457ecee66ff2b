import type { AgentDefinition } from "../../schema/agent.ts";
import { laterLimits } from "../../schema/limits.ts";
import { didYouMean } from "../../schema/suggestion.ts";

const later = "needs a later version";

/**
 * What an agent sets that will not do what its writer expects: one sentence each.
 * `providers` are the names that `model.provider` can mean; without them none is judged.
 */
export function agentWarnings(
  { metadata, spec }: AgentDefinition,
  facts: { hasSkills: boolean; providers?: readonly string[] | undefined },
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
  if (spec.access !== undefined) warnings.push(`access: ${later}`);
  for (const key of laterLimits(spec.limits)) warnings.push(`limits.${key}: ${later}`);
  if (spec.skills_dir !== undefined || facts.hasSkills) warnings.push(`skills: ${later}`);
  if (spec.session.compaction !== undefined)
    warnings.push("session.compaction has no effect: a log is never compacted");
  return warnings;
}
