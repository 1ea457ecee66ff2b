import { existsSync } from "node:fs";

import type { CommandContext, GlobalFlags } from "../context.ts";
import { CommandFailure, exitCodes } from "../exit.ts";
import type { Place } from "../ground.ts";

/** Whether somebody has made one: a configuration, or a data directory. */
export const isWorkspace = ({ configFile, dataDir }: Place): boolean => configFile !== null || existsSync(dataDir);

/** Where a command that makes no workspace is called outside of one. */
export const noWorkspace = (): CommandFailure =>
  new CommandFailure(exitCodes.failed, "there is no workspace here (no .duragent, no duragent.yaml)", {
    hint: "run `duragent init`, or cd to the workspace",
  });

/** Throws `noWorkspace` outside of one. */
export async function requireWorkspace({ ground, cwd, env }: CommandContext, { config }: GlobalFlags): Promise<void> {
  if (!isWorkspace(await (await ground()).place({ cwd, env, config }))) throw noWorkspace();
}
