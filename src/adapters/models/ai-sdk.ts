import type { LanguageModelV4 } from "@ai-sdk/provider";
import { z } from "zod";

import type { Model } from "../../ports/model.ts";
import { DuragentError } from "../../schema/problem.ts";
import { aiSdkModel } from "./ai-sdk-model.ts";
import { importFrom } from "./import-from.ts";
import { connectionSchema, ownBaseUrl, parseEntry, requireChat, type ProviderContext } from "./provider-options.ts";

export const optionsSchema = connectionSchema.extend({
  package: z.string({ error: 'kind ai-sdk needs the name of a package, such as "@ai-sdk/mistral"' }).min(1),
});

/** Any AI SDK provider package that the user has installed next to duragent.yaml; without `api_key` it reads its own variable. */
export async function createModel(context: ProviderContext): Promise<Model> {
  const { choice, fetch } = context;
  requireChat(choice);
  const { package: name, ...options } = parseEntry(optionsSchema, context);
  const where = `models.providers.${choice.provider}.package`;
  const create = factoryOf(await importFrom(context.packageFolder, name, where), name, where);
  const baseUrl = ownBaseUrl(choice, options.base_url);
  const apiKey = options.api_key ?? context.storedKeys[choice.provider];
  const provider: unknown = create({
    ...(apiKey !== undefined && { apiKey }),
    ...(baseUrl !== undefined && { baseURL: baseUrl }),
    ...(options.headers && { headers: options.headers }),
    ...(fetch && { fetch }),
  });
  const languageModel = languageModelOf(provider, choice.name);
  if (languageModel === undefined) {
    throw new DuragentError(
      "unprocessable",
      `${where}: ${name} makes no language models of specification v3 or v4; install a current version`,
    );
  }
  return aiSdkModel({ context, secrets: apiKey === undefined ? [] : [apiKey], languageModel });
}

type Factory = (settings: Record<string, unknown>) => unknown;

/** `createMistral` of `@ai-sdk/mistral`; in a package with another name its only `create…`. */
function factoryOf(exported: Readonly<Record<string, unknown>>, name: string, where: string): Factory {
  const factories = Object.entries(exported).filter(
    ([key, value]) => /^create[A-Z]/.test(key) && typeof value === "function",
  );
  const wanted = `create${name.split("/").at(-1)?.replaceAll("-", "")}`.toLowerCase();
  const found =
    factories.find(([key]) => key.toLowerCase() === wanted) ?? (factories.length === 1 ? factories[0] : undefined);
  const factory = found?.[1];
  if (isFactory(factory)) return factory;
  throw new DuragentError("unprocessable", `${where}: ${name} is no AI SDK provider: it exports no function create…`);
}

function isFactory(value: unknown): value is Factory {
  return typeof value === "function";
}

function languageModelOf(provider: unknown, model: string): LanguageModelV4 | undefined {
  if ((typeof provider !== "object" && typeof provider !== "function") || provider === null) return undefined;
  if (!hasLanguageModels(provider)) return undefined;
  const made = provider.languageModel(model);
  return isLanguageModel(made) ? made : undefined;
}

function hasLanguageModels(provider: object): provider is { languageModel(model: string): unknown } {
  return "languageModel" in provider && typeof provider.languageModel === "function";
}

// In all that we send and read v3 and v4 are alike; v2 names its finish reasons and usage otherwise.
function isLanguageModel(value: unknown): value is LanguageModelV4 {
  if (typeof value !== "object" || value === null || !("specificationVersion" in value)) return false;
  const version = value.specificationVersion;
  return (version === "v3" || version === "v4") && "doStream" in value && typeof value.doStream === "function";
}
