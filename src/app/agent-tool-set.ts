import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";

import type { CliTools } from "../adapters/tools/cli-tools.ts";
import type { McpTools } from "../adapters/mcp/servers.ts";
import type { AgentPolicy } from "../ports/policy.ts";
import type { Log } from "../ports/telemetry.ts";
import type { PolicyCall, Tool } from "../ports/tool.ts";
import { DuragentError } from "../schema/problem.ts";
import { didYouMean } from "../schema/suggestion.ts";
import type { ToolCall } from "../schema/session-event.ts";
import type { LoadedAgent } from "../runtime/agents/catalog-types.ts";
import type { PolicyDecision, ToolSet } from "../runtime/parts.ts";

/** Where the tools of one agent come from. Each may be asked again and again. */
export type ToolSources = {
  /** Asked once. */
  policy(): Promise<AgentPolicy>;
  /** Made once; those whose making fails are problems. */
  builtins(): Promise<{ tools: Tool[]; problems: string[] }>;
  cli(): Promise<CliTools>;
  /** `null`: the agent has no MCP servers. */
  mcp: (() => Promise<McpTools>) | null;
  /** MCP servers that are being started now, by their names. */
  starting(): readonly string[];
  /** Folders whose programs are tools by being there. */
  folders: readonly string[];
  bounded(tool: Tool): Tool;
};

type Found = { builtins: Tool[]; cli: CliTools; mcp: McpTools; problems: string[] };

const nothing: CliTools = { tools: [], found: [], folders: [], problems: [] };

/** The tools of one version of an agent: built in, then programs, then MCP; the first of a name is the one. */
export class AgentToolSet implements ToolSet {
  tools: readonly Tool[] = [];
  readonly #agent: LoadedAgent;
  #loadedPolicy: AgentPolicy | null = null;
  readonly #sources: ToolSources;
  readonly #log: Log;
  #preparing: Promise<void> | null = null;
  #found: Found = { builtins: [], cli: nothing, mcp: { tools: [], problems: [] }, problems: [] };
  /** Of the last look: what goes on is said once. */
  #told: ReadonlySet<string> = new Set();

  constructor(agent: LoadedAgent, parts: { sources: ToolSources; log: Log }) {
    this.#agent = agent;
    this.#sources = parts.sources;
    this.#log = parts.log;
  }

  prepare(): Promise<void> {
    if (!this.#hasAny()) {
      this.tools = [];
      return Promise.resolve();
    }
    this.#preparing ??= this.#look().finally(() => (this.#preparing = null));
    return this.#preparing;
  }

  waitsFor(): string {
    const names = this.#sources.starting();
    if (names.length === 0) return "looking for the agent's tools";
    return `starting MCP ${names.length === 1 ? "server" : "servers"} ${names.join(", ")}`;
  }

  problems(): readonly string[] {
    return this.#problems().map(lasting);
  }

  /** Reads the folders of programs again. */
  async reload(): Promise<CliTools> {
    const cli = await this.#sources.cli();
    this.#use({ ...this.#found, cli });
    return cli;
  }

  decide(tool: Tool, call: ToolCall): PolicyDecision {
    const { policy, reason } = this.#policy.decide(policyCall(tool, call));
    return { policy, denial: policy === "deny" ? `denied by policy: ${reason.text}` : null };
  }

  pattern(tool: Tool, call: ToolCall): string {
    return this.#policy.alwaysPatterns(policyCall(tool, call)).join("\n");
  }

  async allowAlways(tool: Tool, call: ToolCall, fingerprint?: string): Promise<void> {
    const { fingerprint: now, ...asked } = policyCall(tool, call);
    if (now !== undefined && fingerprint === undefined)
      throw new DuragentError(
        "conflict",
        "the question does not say what the tool was; it can only be allowed this once",
      );
    await this.#policy.allowAlways({ ...asked, ...(fingerprint === undefined ? {} : { fingerprint }) });
  }

  ran(tool: Tool, call: ToolCall, facts: Parameters<ToolSet["ran"]>[2]): void {
    this.#policy.ran(policyCall(tool, call), facts);
  }

  missing(name: string): string {
    const names = this.tools.map((tool) => tool.definition.name);
    const entry = this.#agent.definition.spec.tools.find((one) => one.name === name);
    const server = this.#agent.definition.spec.tools.find(
      (one) => one.type === "mcp" && name.startsWith(`${one.name}__`),
    );
    const problem = this.#problems().find((text) => mentions(text, entry?.name ?? server?.name));
    if (problem !== undefined) return `The tool ${name} can not be used now: ${problem}`;
    const known = names.length === 0 ? "You have no tools." : `Your tools are: ${names.join(", ")}.`;
    return `There is no tool ${name}${didYouMean(name, names) || "."} ${known}`;
  }

  /** There are no tools to ask about before there is a policy. */
  get #policy(): AgentPolicy {
    assert(this.#loadedPolicy);
    return this.#loadedPolicy;
  }

  #hasAny(): boolean {
    const { tools, memory } = this.#agent.definition.spec;
    return tools.length > 0 || memory !== undefined || this.#sources.folders.some((folder) => existsSync(folder));
  }

  async #look(): Promise<void> {
    this.#loadedPolicy ??= await this.#sources.policy();
    const problems: string[] = [];
    const orNothing = async <Value>(what: string, read: () => Promise<Value>, instead: Value): Promise<Value> => {
      try {
        return await read();
      } catch (error) {
        problems.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
        return instead;
      }
    };
    const { mcp: readMcp } = this.#sources;
    const [builtins, cli, mcp] = await Promise.all([
      orNothing("the built-in tools", () => this.#sources.builtins(), { tools: [], problems: [] }),
      orNothing("the programs", () => this.#sources.cli(), nothing),
      readMcp ? orNothing("the MCP servers", readMcp, { tools: [], problems: [] }) : { tools: [], problems: [] },
    ]);
    this.#use({ builtins: builtins.tools, cli, mcp, problems: [...problems, ...builtins.problems] });
  }

  #use(found: Found): void {
    this.#found = found;
    const tools = new Map<string, Tool>();
    for (const tool of [...found.builtins, ...found.cli.tools, ...found.mcp.tools]) {
      const folded = tool.definition.name.toLowerCase();
      if (!tools.has(folded)) tools.set(folded, this.#sources.bounded(tool));
    }
    this.tools = [...tools.values()];
    const problems = this.#problems();
    for (const problem of problems)
      if (!this.#told.has(lasting(problem))) this.#log.warn({ agent: this.#agent.name }, problem);
    this.#told = new Set(problems.map(lasting));
  }

  #problems(): string[] {
    const { problems, cli, mcp } = this.#found;
    return [...problems, ...cli.problems, ...mcp.problems];
  }
}

/** Folders under which an agent's programs lie. */
export const programFolders = (home: string, sharedFolder: string): string[] =>
  home === "" ? [sharedFolder] : [join(home, "tools"), sharedFolder];

const policyCall = (tool: Tool, call: ToolCall): PolicyCall => ({
  ...tool.describe(call),
  effect: tool.effectOf?.(call) ?? tool.effect,
});

/** Without when it is tried again. */
const lasting = (problem: string): string => problem.replace(/ \(it is tried again in \d+ s\)/, "");

const mentions = (text: string, name: string | undefined): boolean =>
  name !== undefined && new RegExp(`(?:tool|server) ${name}:`).test(text);
