import { emptyUsage } from "../../domain/session/state.ts";
import type { TurnId } from "../../schema/ids.ts";
import type { EventDraft, Usage } from "../../schema/session-event.ts";
import type { AgentInForce } from "../living-session.ts";
import { costFor } from "./model-limits.ts";
import type { WastedUsage } from "./model-call.ts";
import type { RuntimeParts } from "../parts.ts";

/** Usage with what it cost, where the price of the model is known; counted in the metrics. */
export function withPrice(
  parts: RuntimeParts,
  inForce: AgentInForce | null,
  { provider, model, usage }: { provider: string; model: string; usage?: Usage | undefined },
): Usage | undefined {
  if (!usage) return undefined;
  const cost = costFor(parts, inForce, { provider, model, usage });
  const labels = { provider, model };
  parts.metrics.add("duragent_tokens_total", { ...labels, kind: "prompt" }, usage.prompt_tokens);
  parts.metrics.add("duragent_tokens_total", { ...labels, kind: "completion" }, usage.completion_tokens);
  if (cost === undefined) return usage;
  parts.metrics.add("duragent_cost_usd_total", labels, cost);
  return { ...usage, cost_usd: cost };
}

/** A call that was cut short and has no response: what it cost, and that the time it took was work. */
export function cutShort(
  base: { timestamp: string; turn_id: TurnId },
  {
    usage,
    provider,
    model,
    latencyMs,
  }: { usage?: Usage | undefined; provider: string; model: string; latencyMs: number },
  reason: string,
): EventDraft {
  return {
    ...base,
    type: "usage_recorded",
    usage: usage ?? emptyUsage,
    cost_usd: usage?.cost_usd,
    model,
    provider,
    reason,
    latency_ms: Math.round(latencyMs),
  };
}

/** What failed tries cost, and what no provider told. */
export function wastedEvents(
  parts: RuntimeParts,
  inForce: AgentInForce | null,
  base: { timestamp: string; turn_id: TurnId },
  wasted: readonly WastedUsage[],
): EventDraft[] {
  return wasted.map(({ usage, provider, model, thought }) => {
    const priced = withPrice(parts, inForce, { provider, model, usage }) ?? usage;
    return {
      ...base,
      type: "usage_recorded",
      usage: priced,
      cost_usd: priced.cost_usd,
      model,
      provider,
      reason: thought ? "not told by the provider: estimated" : "failed attempt",
    };
  });
}
