import { pricesOf, retryOf, type ModelLimits } from "../domain/model/model-limits.ts";
import type { RetryLimits } from "../domain/model/backoff.ts";
import type { PriceOverrides } from "../domain/model/price.ts";
import type { AgentInForce } from "./living-session.ts";
import type { RuntimeParts } from "./parts.ts";

/** How often a model of this provider is asked for this agent, as of now. */
export function retryFor(parts: RuntimeParts, inForce: AgentInForce | null, provider: string): RetryLimits {
  return retryOf(levels(parts, inForce, provider));
}

/** What this provider's models cost this agent, beside the built-in table. */
export function pricesFor(parts: RuntimeParts, inForce: AgentInForce | null, provider: string): PriceOverrides {
  return pricesOf(levels(parts, inForce, provider));
}

function levels(
  parts: RuntimeParts,
  inForce: AgentInForce | null,
  provider: string,
): readonly (ModelLimits | undefined)[] {
  const { limits, providerLimits } = parts.settings();
  return [inForce?.agent.definition.spec.limits, providerLimits(provider), limits];
}
