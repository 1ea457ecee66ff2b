import { LRUCache } from "lru-cache";

import type { Clock } from "../../ports/clock.ts";
import type { Model, ModelChoice, ModelRegistry } from "../../ports/model.ts";
import { providerKinds } from "../../schema/config-models.ts";
import { DuragentError } from "../../schema/problem.ts";
import type { Environment, ProviderContext, ProviderEntry, ProviderMember } from "./provider-options.ts";
import { createScriptedModel, scriptPath } from "./scripted.ts";

/** Kinds of providers by name. Each file, and with it the provider's package, is imported when a model of it is first made. */
const members: Readonly<Record<string, () => Promise<ProviderMember>>> = {
  anthropic: () => import("./anthropic.ts"),
  openai: () => import("./openai.ts"),
  openrouter: () => import("./openrouter.ts"),
  ollama: () => import("./ollama.ts"),
  google: () => import("./google.ts"),
  bedrock: () => import("./bedrock.ts"),
  "openai-compatible": () => import("./openai-compatible.ts"),
  "ai-sdk": () => import("./ai-sdk.ts"),
} satisfies Record<Exclude<(typeof providerKinds)[number], "scripted">, unknown>;

const madeModelsMax = 256;

export type ProviderTable = Readonly<Record<string, ProviderEntry>>;

export type ModelRegistryOptions = {
  /** `models.providers` of duragent.yaml. */
  providers: ProviderTable;
  env: Environment;
  clock: Clock;
  /** Keys of `~/.duragent/auth.json` (its `api_key` entries) by provider; the environment and the configuration come first. */
  storedKeys?: Readonly<Record<string, string>>;
  /** Where packages of kind `ai-sdk` are looked for; the folder of duragent.yaml. */
  packageFolder: string;
  /** Instead of the global one: tests. */
  fetch?: typeof globalThis.fetch;
};

/** A registry whose providers can be replaced: models made from then on use the new ones. */
export type ConfigurableModelRegistry = ModelRegistry & { configure(providers: ProviderTable): void };

/** Makes models by what an agent chose. Throws DuragentError `unprocessable`: an unknown provider, a missing key, a wrong option, a bad script. */
export function createModelRegistry(options: ModelRegistryOptions): ConfigurableModelRegistry {
  let providers = options.providers;
  // Making one takes as long as ten tokens do, and an agent asks for the same at every call.
  const made = new LRUCache<string, Promise<Model>>({ max: madeModelsMax });
  // `errors` of a script count its calls for as long as its agent is loaded, over all sessions.
  const callCounts = new WeakMap<object, Map<string, number>>();

  const scripted = (choice: ModelChoice): Model => {
    const countCall = (): number => {
      const counts = callCounts.get(choice.files ?? choice) ?? new Map<string, number>();
      callCounts.set(choice.files ?? choice, counts);
      const path = scriptPath(choice.name);
      const count = (counts.get(path) ?? 0) + 1;
      counts.set(path, count);
      return count;
    };
    return createScriptedModel(choice, { clock: options.clock, countCall });
  };

  return {
    configure(next) {
      providers = next;
      made.clear();
    },
    async model(choice) {
      const entry = Object.hasOwn(providers, choice.provider) ? providers[choice.provider] : undefined;
      const kind = entry?.kind ?? choice.provider;
      if (kind === "scripted") return scripted(choice);
      const load = Object.hasOwn(members, kind) ? members[kind] : undefined;
      if (load === undefined) throw unknownProvider(choice.provider, entry, Object.keys(providers));
      const key = JSON.stringify([choice.provider, choice.name, choice.baseUrl, choice.api]);
      let model = made.get(key);
      if (model === undefined) {
        const context: ProviderContext = {
          choice: { ...choice, files: undefined },
          entry: entry ?? {},
          env: options.env,
          clock: options.clock,
          storedKeys: options.storedKeys ?? {},
          packageFolder: options.packageFolder,
          fetch: options.fetch,
        };
        const making = load().then((member) => member.createModel(context));
        made.set(key, making);
        // What failed may be there at the next call: a key, a package.
        making.catch(() => made.get(key) === making && made.delete(key));
        model = making;
      }
      return model;
    },
  };
}

function unknownProvider(name: string, entry: ProviderEntry | undefined, configured: string[]): DuragentError {
  const kinds = providerKinds.join(", ");
  if (entry?.kind !== undefined) {
    return new DuragentError("unprocessable", `models.providers.${name}.kind: ${entry.kind} is none of ${kinds}`);
  }
  if (entry !== undefined) {
    return new DuragentError("unprocessable", `models.providers.${name} needs a kind, one of ${kinds}`);
  }
  const own = configured.length > 0 ? ` or of models.providers (${configured.join(", ")})` : "";
  return new DuragentError("unprocessable", `model.provider: ${name} is none of ${kinds}${own}`);
}
