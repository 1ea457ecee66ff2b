import { existsSync } from "node:fs";
import { join, relative } from "node:path";

import type { InvalidAgentHealth } from "../../../schema/api/server.ts";
import type { CommandContext, GlobalFlags } from "../context.ts";
import { CommandFailure, exitCodes } from "../exit.ts";
import { agentErrorLines } from "../output/agent-errors.ts";
import type { ServerApi } from "./api.ts";

/** An agent that is not valid is known by its folder's or file's name. */
const isCalled = (invalid: InvalidAgentHealth, name: string): boolean =>
  invalid.name.replace(/\.ya?ml$/iu, "") === name;

/** Why an agent that was named is not served: what is wrong with it, or which there are. */
export async function missingAgent(
  { context, globals, server }: { context: CommandContext; globals: GlobalFlags; server: ServerApi },
  name: string,
): Promise<CommandFailure> {
  // The API's own answer would do as well where the server can not say more.
  const invalid = (await server.health().catch(() => null))?.checks?.agents?.invalid ?? [];
  const wrong = invalid.find((one) => isCalled(one, name));
  if (wrong !== undefined) {
    const { path, isHere } = await placeOf(context, globals, wrong.name);
    const lines = agentErrorLines(wrong, path);
    return new CommandFailure(exitCodes.failed, [`the agent ${name} is not valid:`, ...lines].join("\n  "), {
      hint: isHere
        ? `mend it, and \`duragent agent validate ${path}\` says whether it is; no restart is needed`
        : "mend it where the server runs, with `duragent agent validate`",
    });
  }
  const agents = await server.agents();
  const hint =
    agents.length === 0
      ? "`duragent agent create NAME` makes one; `duragent doctor` says why one is missing"
      : `there are: ${agents.map((one) => one.name).join(", ")}`;
  return new CommandFailure(exitCodes.failed, `there is no agent ${name}`, { hint });
}

/** As it is written from the working directory, if it lies in this machine's agents; else as the server calls it. */
async function placeOf(
  { ground, cwd, env }: CommandContext,
  { server, config }: GlobalFlags,
  name: string,
): Promise<{ path: string; isHere: boolean }> {
  if (server !== undefined) return { path: name, isHere: false };
  const { agentsDir } = await (await ground()).place({ cwd, env, config });
  const path = join(agentsDir, name);
  return existsSync(path) ? { path: relative(cwd, path), isHere: true } : { path: name, isHere: false };
}
