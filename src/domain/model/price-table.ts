/** US dollars per million tokens. Without `cached_input`, cached tokens cost what others do. */
export type Price = { input: number; output: number; cached_input?: number | undefined };

const price = (input: number, output: number, cached?: number): Price =>
  cached === undefined ? { input, output } : { input, output, cached_input: cached };

/**
 * List prices of December 2025 by vendor and model, for the shortest context tier and without discounts:
 * https://claude.com/pricing, https://openai.com/api/pricing, https://ai.google.dev/pricing, https://aws.amazon.com/bedrock/pricing.
 */
export const listPrices: Readonly<Record<string, Readonly<Record<string, Price>>>> = {
  anthropic: {
    "claude-opus-4-5": price(5, 25, 0.5),
    "claude-opus-4-1": price(15, 75, 1.5),
    "claude-opus-4-0": price(15, 75, 1.5),
    "claude-opus-4": price(15, 75, 1.5),
    "claude-sonnet-4-5": price(3, 15, 0.3),
    "claude-sonnet-4-0": price(3, 15, 0.3),
    "claude-sonnet-4": price(3, 15, 0.3),
    "claude-3-7-sonnet": price(3, 15, 0.3),
    "claude-3-5-sonnet": price(3, 15, 0.3),
    "claude-haiku-4-5": price(1, 5, 0.1),
    "claude-3-5-haiku": price(0.8, 4, 0.08),
    "claude-3-haiku": price(0.25, 1.25, 0.03),
    "claude-3-opus": price(15, 75, 1.5),
  },
  openai: {
    "gpt-5.2": price(1.75, 14, 0.175),
    "gpt-5.1": price(1.25, 10, 0.125),
    "gpt-5.1-codex": price(1.25, 10, 0.125),
    "gpt-5": price(1.25, 10, 0.125),
    "gpt-5-codex": price(1.25, 10, 0.125),
    "gpt-5-mini": price(0.25, 2, 0.025),
    "gpt-5-nano": price(0.05, 0.4, 0.005),
    "gpt-5-pro": price(15, 120),
    "gpt-4.1": price(2, 8, 0.5),
    "gpt-4.1-mini": price(0.4, 1.6, 0.1),
    "gpt-4.1-nano": price(0.1, 0.4, 0.025),
    "gpt-4o": price(2.5, 10, 1.25),
    "gpt-4o-mini": price(0.15, 0.6, 0.075),
    o1: price(15, 60, 7.5),
    o3: price(2, 8, 0.5),
    "o3-mini": price(1.1, 4.4, 0.55),
    "o4-mini": price(1.1, 4.4, 0.275),
  },
  google: {
    "gemini-3-pro-preview": price(2, 12, 0.2),
    "gemini-2.5-pro": price(1.25, 10, 0.125),
    "gemini-2.5-flash": price(0.3, 2.5, 0.03),
    "gemini-2.5-flash-lite": price(0.1, 0.4, 0.01),
    "gemini-2.0-flash": price(0.1, 0.4, 0.025),
    "gemini-2.0-flash-lite": price(0.075, 0.3),
  },
  amazon: {
    "nova-premier": price(2.5, 12.5),
    "nova-pro": price(0.8, 3.2, 0.2),
    "nova-lite": price(0.06, 0.24, 0.015),
    "nova-micro": price(0.035, 0.14, 0.00875),
  },
};
