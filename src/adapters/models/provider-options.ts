import { z } from "zod";

import type { Clock } from "../../ports/clock.ts";
import type { Model, ModelChoice } from "../../ports/model.ts";
import { DuragentError } from "../../schema/problem.ts";
import { Secret } from "../../schema/secret.ts";
import { strictObject } from "../../schema/strict-object.ts";

/** One entry of `models.providers` in duragent.yaml. */
export type ProviderEntry = {
  kind?: string | undefined;
  api_key?: string | Secret | undefined;
  base_url?: string | undefined;
  headers?: Readonly<Record<string, string>> | Secret<Record<string, string>> | undefined;
  region?: string | undefined;
  package?: string | undefined;
  /** Rates, budgets and prices: the runtime's, not the provider's. */
  limits?: unknown;
};

/** The environment, or as much of it as the providers look at. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What a provider's file gets to make a model from. */
export type ProviderContext = {
  choice: ModelChoice;
  entry: ProviderEntry;
  env: Environment;
  clock: Clock;
  /** Keys of `~/.duragent/auth.json` by provider. */
  storedKeys: Readonly<Record<string, string>>;
  /** Where `package` of kind `ai-sdk` is looked for: the folder of duragent.yaml. */
  packageFolder: string;
  fetch: typeof globalThis.fetch | undefined;
};

/** What each file of a provider exports. */
export type ProviderMember = { createModel(context: ProviderContext): Model | Promise<Model> };

const url = z.url({ protocol: /^https?$/, error: "must be an http or https URL" });

/** What every provider that speaks HTTP can be given; the members' own schemas extend it. */
export const connectionSchema = strictObject({
  kind: z.string().optional(),
  api_key: z.string().min(1).optional(),
  base_url: url.optional(),
  headers: z.record(z.string(), z.string()).optional(),
});

/** The entry of `context` by the member's own schema. Throws DuragentError `unprocessable` that names the key. */
export function parseEntry<Options>(schema: z.ZodType<Options>, { choice, entry }: ProviderContext): Options {
  const { limits: _others, ...own } = entry;
  const plain = { ...own, api_key: revealed(own.api_key), headers: revealed(own.headers) };
  // An empty value is one that is not set: `api_key: ${NAME:-}`.
  const given = Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined && value !== ""));
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map((issue) => ({
    path: ["models", "providers", choice.provider, ...issue.path.map(String)].join("."),
    message: issue.message,
  }));
  const [first] = errors;
  throw new DuragentError("unprocessable", `${first?.path}: ${first?.message}`, { errors });
}

/** What a secret holds, or what is none as it is. */
export function revealed<Value>(value: Value | Secret<Value>): Value {
  return value instanceof Secret ? value.reveal() : value;
}

/** The base URL that the agent or the configuration gives, without a slash at its end. */
export function ownBaseUrl(choice: ModelChoice, configured: string | undefined): string | undefined {
  const given = choice.baseUrl ?? configured;
  if (given === undefined) return undefined;
  const parsed = url.safeParse(given);
  if (!parsed.success) throw new DuragentError("unprocessable", `model.base_url: ${given} is not an http or https URL`);
  return parsed.data.replace(/\/+$/, "");
}

/** The key from the configuration, the first of `variables` that is set, or auth.json, in this order. */
export function findKey(
  context: ProviderContext,
  configured: string | undefined,
  variables: string[],
): string | undefined {
  const fromEnvironment = variables
    .map((name) => context.env[name])
    .find((value) => value !== undefined && value !== "");
  return configured ?? fromEnvironment ?? context.storedKeys[context.choice.provider];
}

/** As `findKey`. Throws DuragentError `unprocessable` that says what to set and where. */
export function requireKey(context: ProviderContext, configured: string | undefined, variables: string[]): string {
  const key = findKey(context, configured, variables);
  if (key !== undefined) return key;
  const { provider } = context.choice;
  throw new DuragentError(
    "unprocessable",
    `provider ${provider} has no API key: set ${variables.join(" or ")} in the server's environment or in the .env file next to duragent.yaml, or models.providers.${provider}.api_key in duragent.yaml`,
  );
}

/** Refuses `model.api: responses` where only the chat dialect is spoken. */
export function requireChat(choice: ModelChoice): void {
  if (choice.api !== "responses") return;
  throw new DuragentError(
    "unprocessable",
    `model.api: provider ${choice.provider} speaks "chat" only; leave model.api out, or use provider openai`,
  );
}
