import { pricesOf, retryOf, type ModelLimits } from "../../domain/model/model-limits.ts";
import type { RetryLimits } from "../../domain/model/backoff.ts";
import { costUsd, priceOf, type PriceOverrides } from "../../domain/model/price.ts";
import type { Price } from "../../domain/model/price-table.ts";
import type { Usage } from "../../schema/session-event.ts";
import type { AgentInForce } from "../living-session.ts";
import type { RuntimeParts } from "../parts.ts";

/** How often a model of this provider is asked for this agent, as of now. */
export function retryFor(parts: RuntimeParts, inForce: AgentInForce | null, provider: string): RetryLimits {
  return retryOf(levels(parts, inForce, provider));
}

type Named = { provider: string; model: string };

/** What a model costs this agent; nothing if nobody knows. */
export function priceFor(parts: RuntimeParts, inForce: AgentInForce | null, of: Named): Price | undefined {
  return priceOf(of.provider, of.model, pricesFor(parts, inForce, of.provider), kindOf(parts, of.provider));
}

/** What a call has cost, as far as the price is known. */
export function costFor(
  parts: RuntimeParts,
  inForce: AgentInForce | null,
  { provider, model, usage }: Named & { usage: Usage },
): number | undefined {
  return costUsd(provider, model, usage, pricesFor(parts, inForce, provider), kindOf(parts, provider));
}

function pricesFor(parts: RuntimeParts, inForce: AgentInForce | null, provider: string): PriceOverrides {
  return pricesOf(levels(parts, inForce, provider));
}

const kindOf = (parts: RuntimeParts, provider: string): string => parts.settings().providerKind(provider);

function levels(
  parts: RuntimeParts,
  inForce: AgentInForce | null,
  provider: string,
): readonly (ModelLimits | undefined)[] {
  const { limits, providerLimits } = parts.settings();
  return [inForce?.agent.definition.spec.limits, providerLimits(provider), limits];
}
