import { redactor, type Redactor } from "../domain/redact.ts";
import type { AgentTool } from "../schema/agent-tools.ts";
import { Secret, secretsIn } from "../schema/secret.ts";
import type { LoadedConfig } from "./config/load-config.ts";
import { readStoredKeys } from "./stored-keys.ts";

/** Secrets of tools that are remembered; beyond, the oldest are forgotten. */
const toolSecretsMax = 4_096;

/** What no text may show, and what takes it out. */
export class Redaction {
  #redactor: Redactor;
  #configured: readonly string[];
  readonly #ofTools = new Set<string>();

  /** `configured`: see `secretsOf`. */
  constructor(configured: readonly string[]) {
    this.#configured = configured;
    this.#redactor = redactor(configured);
  }

  /** Follows a changed configuration; secrets of tools stay known. */
  configure(configured: readonly string[]): void {
    this.#configured = configured;
    this.#redactor = redactor([...this.#configured, ...this.#ofTools]);
  }

  /** Learns what programs and MCP servers of an agent are given as secrets, before they can say them. */
  learn(tools: readonly AgentTool[]): void {
    const fresh = tools.flatMap(secretsOfTool).filter((text) => !this.#ofTools.has(text));
    if (fresh.length === 0) return;
    for (const text of fresh) this.#ofTools.add(text);
    for (const oldest of this.#ofTools) {
      if (this.#ofTools.size <= toolSecretsMax) break;
      this.#ofTools.delete(oldest);
    }
    this.#redactor = redactor([...this.#configured, ...this.#ofTools]);
  }

  /** As it is now: a text that comes in pieces keeps the one that it began with. */
  get redactor(): Redactor {
    return this.#redactor;
  }
}

/** What configuration, the environment and the stored keys hold as secrets. */
export async function secretsOf({ secrets, env }: Pick<LoadedConfig, "secrets" | "env">): Promise<string[]> {
  return [...secrets, ...Object.values(await readStoredKeys(env))];
}

function secretsOfTool(tool: AgentTool): string[] {
  if (tool.type === "builtin") return [];
  const headers = tool.type === "mcp" ? tool.headers : undefined;
  return secretsIn([tool.env, headers].map((given) => new Secret(given ?? {})));
}
