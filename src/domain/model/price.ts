import type { Usage } from "../../schema/session-event.ts";
import { listPrices, type Price } from "./price-table.ts";

/** Prices by `provider/model`, as `limits.prices` gives them: they come before the built-in table. */
export type PriceOverrides = Readonly<Record<string, Price>>;

// What runs on one's own machine costs nothing here.
const free: Price = { input: 0, output: 0 };

/** What a model costs, or nothing if that is not known. `kind`: of a provider that has a name of its own. */
export function priceOf(
  provider: string,
  model: string,
  overrides: PriceOverrides = {},
  kind: string = provider,
): Price | undefined {
  const exact = own(overrides, `${provider}/${model}`);
  if (exact !== undefined) return exact;
  if (kind === "ollama" || kind === "scripted") return free;
  const { vendor, name } = vendorOf(provider, model);
  const undated = own(overrides, `${provider}/${name}`);
  if (undated !== undefined) return undated;
  if (vendor !== undefined) return own(own(listPrices, vendor) ?? {}, name);
  // A provider of the user's own, such as a proxy: a name that a vendor's list has is that vendor's model.
  return Object.values(listPrices)
    .map((list) => own(list, name))
    .find((found) => found !== undefined);
}

/**
 * US dollars for a call: what the provider itself reported (`cost_usd`), else by price. Nothing if the price is not known.
 * Tokens written to a provider's cache are counted as plain input.
 */
export function costUsd(
  provider: string,
  model: string,
  usage: Usage,
  overrides: PriceOverrides = {},
  kind: string = provider,
): number | undefined {
  if (usage.cost_usd !== undefined) return usage.cost_usd;
  const price = priceOf(provider, model, overrides, kind);
  if (price === undefined) return undefined;
  const cached = Math.min(usage.cached_prompt_tokens ?? 0, usage.prompt_tokens);
  const microUsd =
    (usage.prompt_tokens - cached) * price.input +
    cached * (price.cached_input ?? price.input) +
    usage.completion_tokens * price.output;
  // To a millionth of a millionth: sums stay free of what binary fractions leave behind.
  return Math.round(microUsd * 1e6) / 1e12;
}

/** Whose model it is, and its name as the list has it: without date, version or region. */
function vendorOf(provider: string, model: string): { vendor: string | undefined; name: string } {
  const name = model.replace(/(?:-\d{8}|-\d{4}-\d{2}-\d{2})?(?:-v\d+(?::\d+)?)?$/, "").replace(/-latest$/, "");
  if (provider === "bedrock") {
    const [, vendor, rest] = /^(?:[a-z-]+\.)?(anthropic|amazon)\.(.+)$/.exec(name) ?? [];
    return vendor === undefined || rest === undefined ? { vendor: "bedrock", name } : { vendor, name: rest };
  }
  if (provider === "openrouter") {
    // OpenRouter writes versions with a dot: anthropic/claude-sonnet-4.5
    const [, vendor = "openrouter", rest = name] = /^([^/]+)\/([^:]+)/.exec(name) ?? [];
    return { vendor, name: vendor === "anthropic" ? rest.replaceAll(".", "-") : rest };
  }
  return { vendor: Object.hasOwn(listPrices, provider) ? provider : undefined, name };
}

function own<Value>(table: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
