import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";

import { disposableFolder } from "../../support/temporary-folder.ts";
import { until } from "../../support/until.ts";
import { openGround, type Ground } from "./ground.ts";

export type Killed = { folder: string; again(): Promise<Ground>; record(): Promise<Record<string, unknown>> };

/** A server that starts a command and is killed with SIGKILL, its whole group, once `ready` holds; what it left behind. */
export async function killedServer(
  t: TestContext,
  line: string,
  options: {
    screen?: boolean;
    timeoutMs?: number;
    /** It dies by itself, instead of writing a record for so many times. */
    diesAt?: number;
    ready?: (folder: string) => Promise<boolean>;
  } = {},
): Promise<Killed> {
  const { path: folder } = await disposableFolder();
  const program = join(import.meta.dirname, "programs/start-process.ts");
  const args = [folder, line, options.screen ? "interactive" : "", String(options.timeoutMs ?? 60_000)];
  const child = spawn(process.execPath, [program, ...args, String(options.diesAt ?? "")], {
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  if (options.diesAt !== undefined) await ended;
  else {
    await Promise.race([once(child.stdout, "data"), ended]);
    await until("the process is ready", () => options.ready?.(folder) ?? true);
    process.kill(-(child.pid ?? 0), "SIGKILL");
    await ended;
  }
  const path = async (): Promise<string> => {
    const names = await readdir(join(folder, "processes"));
    return join(folder, "processes", names.find((name) => /^[^.].*\.meta\.json$/.test(name)) ?? "");
  };
  return {
    folder,
    again: () => openGround(t, { folder }),
    record: async () => JSON.parse(await readFile(await path(), "utf8")) as Record<string, unknown>,
  };
}

export const hasFile =
  (name: string) =>
  async (folder: string): Promise<boolean> =>
    (await readdir(folder)).includes(name);
