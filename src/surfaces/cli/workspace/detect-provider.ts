import { starterProviders, type StarterProvider } from "./starter-agent.ts";

export type Detected = { provider: StarterProvider; model: string; because: string };

/** Tags answer at once when Ollama runs here; nobody waits for it when it does not. */
const ollamaTimeoutMs = 800;

/** Models of the Ollama that runs here; empty where none does. https://github.com/ollama/ollama/blob/main/docs/api.md */
async function ollamaModels(base: string): Promise<string[]> {
  try {
    const answer = await fetch(new URL("/api/tags", base), { signal: AbortSignal.timeout(ollamaTimeoutMs) });
    const body: unknown = await answer.json();
    if (typeof body !== "object" || body === null || !("models" in body) || !Array.isArray(body.models)) return [];
    return body.models.flatMap((model: unknown) =>
      typeof model === "object" && model !== null && "name" in model && typeof model.name === "string"
        ? [model.name]
        : [],
    );
  } catch {
    // No Ollama there, or no URL: the same as none.
    return [];
  }
}

/** What this machine could use without asking: keys in the environment, then an Ollama that has a model. */
export async function detectProviders(env: Readonly<Record<string, string | undefined>>): Promise<Detected[]> {
  const detected: Detected[] = [];
  for (const provider of Object.keys(starterProviders) as StarterProvider[]) {
    const { model, keyVariable } = starterProviders[provider];
    if (keyVariable !== undefined && (env[keyVariable] ?? "") !== "") {
      detected.push({ provider, model, because: `${keyVariable} is set` });
    }
  }
  const host = env["OLLAMA_HOST"] ?? "";
  const base = host === "" ? "http://127.0.0.1:11434" : host.includes("://") ? host : `http://${host}`;
  const [model] = await ollamaModels(base);
  if (model !== undefined) detected.push({ provider: "ollama", model, because: `Ollama runs at ${base}` });
  return detected;
}
