import { createModelRegistry, type ModelRegistryOptions } from "../../../src/adapters/models/registry.ts";
import { ModelFailure, type Model, type ModelPart, type ModelRequest } from "../../../src/ports/model.ts";
import type { MockProvider } from "../../support/mock-provider.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

export const never = new AbortController().signal;

/** A request with one message; what a test is about goes over it. */
export function request(over: Partial<ModelRequest> = {}): ModelRequest {
  return { system: "Be kind.", messages: [{ role: "user", content: "hi" }], tools: [], settings: {}, ...over };
}

/** The two dialects that the mock provider speaks, by the provider that speaks them. */
export const dialects = ["anthropic", "openai"] as const;

/** A model of the mock provider, with keys that look like keys. */
export function modelOf(provider: (typeof dialects)[number], mock: MockProvider): Promise<Model> {
  const base_url = provider === "anthropic" ? mock.anthropicUrl : mock.chatUrl;
  return registryOf({ providers: { [provider]: { base_url, api_key: "sk-secret-0123456789" } } }).model({
    provider,
    name: "mock",
  });
}

export function registryOf(over: Partial<ModelRegistryOptions>) {
  return createModelRegistry({ providers: {}, env: {}, clock: createVirtualClock(), packageFolder: "/", ...over });
}

/** All parts, or the failure that ended them with the parts before it. */
export async function outcomeOf(
  parts: AsyncIterable<ModelPart>,
): Promise<{ parts: ModelPart[]; failure?: ModelFailure }> {
  const seen: ModelPart[] = [];
  try {
    for await (const part of parts) seen.push(part);
    return { parts: seen };
  } catch (error) {
    if (error instanceof ModelFailure) return { parts: seen, failure: error };
    throw error;
  }
}

export const textOf = (parts: readonly ModelPart[]): string =>
  parts.map((part) => (part.type === "text" ? part.text : "")).join("");

export const callsOf = (parts: readonly ModelPart[]) =>
  parts.flatMap((part) => (part.type === "tool_call" ? [part] : []));

export function finishOf(parts: readonly ModelPart[]): Extract<ModelPart, { type: "finish" }> {
  const last = parts.at(-1);
  if (last?.type !== "finish") throw new Error(`the stream ended with ${last?.type}`);
  return last;
}
