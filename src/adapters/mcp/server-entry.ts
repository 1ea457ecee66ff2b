import type { AgentDefinition } from "../../schema/agent.ts";
import type { AgentTool } from "../../schema/agent-tools.ts";
import { isWithin } from "../is-within.ts";

/** Of an agent, what its MCP servers are started with. Absolute paths; `home` is empty for an inline definition. */
export type McpAgent = {
  readonly name: string;
  readonly home: string;
  readonly definition: { readonly spec: Pick<AgentDefinition["spec"], "tools"> };
  readonly workspace: string;
  readonly readable: readonly string[];
};

export type McpEntry = Extract<AgentTool, { type: "mcp" }>;

export const mcpEntries = ({ definition }: Pick<McpAgent, "definition">): McpEntry[] =>
  definition.spec.tools.filter((tool) => tool.type === "mcp");

/**
 * Whether a definition may be anybody's who reaches the API: one without a folder, and one that was deployed. Who writes to the
 * static folder of agents owns the machine.
 */
export const isForeign = ({ home }: Pick<McpAgent, "home">, deployedFolder: string): boolean =>
  home === "" || isWithin(deployedFolder, home);
