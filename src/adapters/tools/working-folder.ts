import { realpath, stat } from "node:fs/promises";
import { join } from "node:path";

import { resolvePath } from "./files/resolve-path.ts";
import type { ToolAgent } from "./parts.ts";
import { ToolFault } from "./tool-fault.ts";

/**
 * Where a command of the model starts: its workspace (made if it is missing), or a folder in it, or one that it may
 * read. As the agent's folders are named, which is how a sandbox shows them. Throws ToolFault, with a text for the model.
 */
export async function workingFolder(
  cwd: string | undefined,
  agent: Pick<ToolAgent, "workspace" | "readable">,
): Promise<string> {
  const given = cwd ?? ".";
  const { root, inside } = await resolvePath(given, agent, "read");
  const found = await stat(join(root, inside)).catch(() => null);
  if (!found?.isDirectory()) throw new ToolFault(`There is no folder ${given}; make it first, or leave cwd out.`);
  for (const named of [agent.workspace, ...agent.readable]) {
    if ((await realpath(named).catch(() => null)) === root) return join(named, inside);
  }
  return join(root, inside);
}
