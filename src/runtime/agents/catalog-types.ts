import type { Skill } from "../../domain/prompt/skills-block.ts";
import type { WholeAgent } from "../../ports/agent-store.ts";
import type { AgentDefinition } from "../../schema/agent.ts";

/** Files of an agent by path inside its folder, with `/`; directives shared by all agents stand under `.shared/directives/`. */
export type AgentPackage = ReadonlyMap<string, Uint8Array>;

/** One valid version of an agent, parsed and whole. Equal packages have an equal `digest` (SHA-256, hex). */
export type LoadedAgent = {
  readonly name: string;
  readonly digest: string;
  readonly definition: AgentDefinition;
  readonly soul: string | undefined;
  readonly systemPrompt: string | undefined;
  readonly instructions: string | undefined;
  /** In the order in which the prompt shows them. */
  readonly directives: readonly string[];
  /** By name. The folder of each may be read by the agent's tools. */
  readonly skills: readonly Skill[];
  readonly files: AgentPackage;
  /** The agent's folder, for `{{agent.home}}`; empty for an inline definition. */
  readonly home: string;
  /** The definition as it was written (YAML). */
  readonly source: string;
  /** What is set but not used, or likely wrong: one sentence each. */
  readonly warnings: readonly string[];
};

export type InvalidAgent = {
  /** Folder or file name. */
  name: string;
  /** `file` relative to the agent's folder; 1-based positions. */
  errors: { file: string; line?: number; column?: number; path?: string; message: string }[];
  /** Whether an earlier, valid version is still served. */
  servingLastGood: boolean;
};

export type DeployAction = "created" | "updated" | "unchanged";

/**
 * Agents that come and go over the API; they stand before static ones of the same name. A `condition` is asked about
 * the digest of the agent that answers to the name now (`null`: none does); where it says no, `precondition-failed`.
 */
export interface AgentDeployment {
  /** Checks an agent and keeps it, durably. Throws `unprocessable` with all its errors, `conflict`, `storage-failed`, `storage-full`. */
  deploy(
    agent: WholeAgent,
    condition?: (digest: string | null) => boolean,
  ): Promise<{ agent: LoadedAgent; action: DeployAction }>;
  /** Takes a deployed agent back; a static one of its name answers again. Throws `agent-not-found`; `conflict` for a static one. */
  remove(name: string, condition?: (digest: string | null) => boolean): Promise<void>;
  /** All that belongs to an agent, static or deployed. Throws `agent-not-found`. */
  pack(name: string): Promise<WholeAgent>;
}

/** The agents that this server knows. The last good version of each stays until a valid one replaces it. */
export interface AgentCatalog {
  /** Valid agents, by name. */
  list(): { name: string; description?: string; version?: string }[];
  invalid(): InvalidAgent[];
  get(name: string): Promise<LoadedAgent | undefined>;
  /** The version that a turn was started with: from memory or from what `keep` stored. */
  version(digest: string): Promise<LoadedAgent | undefined>;
  /** A definition that came with a request. Throws DuragentError `unprocessable` with all its errors. */
  inline(spec: unknown): LoadedAgent;
  /** Stores the version durably, once; to be awaited before the `turn_start` that names it. */
  keep(agent: LoadedAgent): Promise<void>;
  /** Reads all agents again; the number of valid ones. */
  reload(): Promise<number>;
  /** Called when an agent was loaded, changed, became invalid or went. */
  onChange(listener: () => void): () => void;
}
