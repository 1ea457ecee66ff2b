import { existsSync, realpathSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve, sep } from "node:path";

import type { ProgramStart, Sandbox } from "../../ports/sandbox.ts";
import { isWithin } from "../is-within.ts";
import { isForeign, type McpAgent, type McpEntry } from "./server-entry.ts";

type Parts = { sandbox: Sandbox; environment: Readonly<Record<string, string>>; deployedFolder: string };

/**
 * How a server's program is started: in the agent's workspace, with the minimal environment and what the agent names, inside the
 * sandbox. What an agent names by an absolute path (its script, the folder it serves) it may read; "./…" is a file of its folder.
 * Throws where an agent that came over the API would run a program unconfined, and where a folder that is named holds the agent's
 * workspace: the data of every agent lies beside that.
 */
export function programOf(
  agent: McpAgent,
  entry: McpEntry,
  { sandbox, environment, deployedFolder }: Parts,
): ProgramStart {
  const { command = "", args = [], env = {} } = entry;
  const foreign = isForeign(agent, deployedFolder);
  if (foreign && sandbox.kind === "none")
    throw new Error(
      "programs of an agent that came over the API are started in a sandbox only, and there is none here: " +
        "put the agent into the folder of static agents, or install bubblewrap",
    );
  const isOwn = command.includes("/") && !isAbsolute(command) && !command.startsWith(".");
  const words = [isOwn ? `./${command}` : command, ...args].map((word) => inFolder(agent.home, word));
  const paths =
    sandbox.kind === "none" ? [] : words.filter((word) => word !== "/" && isAbsolute(word) && existsSync(word));
  const named = foreign
    ? paths.filter((path) => agent.home !== "" && isWithin(realOf(agent.home), realOf(path)))
    : paths;
  const [program = command, ...rest] = words;
  return sandbox.confine({
    argv: [program, ...rest],
    cwd: agent.workspace,
    env: { ...environment, ...env },
    writable: [agent.workspace],
    readable: [...new Set([...agent.readable, ...named.flatMap((path) => neededBy(path, agent))])],
  });
}

/** `./server.mjs` is the agent's own file, as every path of agent.yaml; the working directory is another. */
function inFolder(home: string, word: string): string {
  if (home === "" || !word.startsWith("./")) return word;
  const path = resolve(home, word);
  if (!existsSync(path)) return word;
  return isWithin(realOf(home), realOf(path)) ? path : word;
}

/** A folder as it is; of a program or a script also what Node looks for above it, and its own folder where nothing private lies in that. */
function neededBy(path: string, agent: McpAgent): string[] {
  const real = realOf(path);
  const workspace = realOf(agent.workspace);
  if (statSync(real).isDirectory()) {
    if (!isWithin(real, workspace) || real === workspace) return [path, real];
    throw new Error(
      `the folder ${path} holds the server's own data, so it is not shown to programs: name folders inside it`,
    );
  }
  const folder = dirname(real);
  const isPrivate = [agent.home, agent.workspace, homedir()].some((kept) => isWithin(folder, realOf(kept)));
  return [path, real, ...(isPrivate ? [] : [folder]), ...modulesAbove(folder)].filter((one) => existsSync(one));
}

function modulesAbove(folder: string): string[] {
  const above: string[] = [];
  for (let at = folder; ; at = dirname(at)) {
    if (!at.endsWith(`${sep}node_modules`)) above.push(join(at, "node_modules"), join(at, "package.json"));
    if (dirname(at) === at) return above;
  }
}

/** Without symbolic links, as far as it exists. */
const realOf = (path: string): string => (existsSync(path) ? realpathSync(path) : path);
