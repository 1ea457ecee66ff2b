import { spawn } from "node:child_process";
import { chmod, chown, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";

import { minimalEnvironment } from "../../../src/adapters/processes/minimal-environment.ts";
import { openBubblewrap } from "../../../src/adapters/sandboxes/bubblewrap.ts";
import type { SandboxOptions } from "../../../src/adapters/sandboxes/options.ts";
import type { ProgramStart, Sandbox } from "../../../src/ports/sandbox.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

/** What stands in everything that no command may read. */
export const canary = "canary-5f2c9e";

const nothingHidden = { folders: [], files: [], holders: [] };
const tried = await openBubblewrap({ mode: "auto", network: false, env: process.env, hidden: nothingHidden });
/** Why bubblewrap does not work here, for `skip`; said loudly, because then nothing of it was tested. */
export const missing = "fault" in tried ? tried.fault : undefined;
if (missing !== undefined) console.warn(`the sandbox was NOT tested: ${missing}`);

/** A user's project with a data directory, as a server has it. */
export type Project = {
  folder: string;
  dataDir: string;
  home: string;
  workspace: string;
  env: NodeJS.ProcessEnv;
  open(options?: Partial<SandboxOptions>): Promise<Sandbox>;
};

export async function openProject(t: Pick<TestContext, "after">, env: NodeJS.ProcessEnv = {}): Promise<Project> {
  const folder = await temporaryFolder(t);
  const dataDir = join(folder, ".duragent");
  const home = join(folder, "home");
  const workspace = join(dataDir, "workspace", "me");
  await mkdir(workspace, { recursive: true });
  const serverEnv = { ...process.env, HOME: home, ANTHROPIC_API_KEY: canary, ...env };
  return {
    folder,
    dataDir,
    home,
    workspace,
    env: serverEnv,
    async open(options = {}) {
      const opened = await openBubblewrap({
        mode: "bubblewrap",
        network: false,
        env: serverEnv,
        hidden: { folders: [dataDir], files: [join(folder, "duragent.yaml"), join(folder, ".env")], holders: [folder] },
        ...options,
      });
      if ("fault" in opened) throw new Error(opened.fault);
      return opened;
    },
  };
}

export async function put(path: string, content: string, mode = 0o644): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content, { mode });
  await chmod(path, mode);
  return path;
}

/** Lets an ordinary user work in the project; for a test that is run by the superuser. */
export async function handOver({ folder, dataDir, workspace }: Project, uid: number): Promise<void> {
  for (const path of [folder, dataDir, dirname(workspace), workspace]) await chown(path, uid, uid);
}

export type Ran = { code: number | null; stdout: string; stderr: string };

/** Runs a line of shell as the project's agent would. */
export function sh(
  sandbox: Sandbox,
  { workspace, env }: Project,
  line: string,
  more: { readable?: string[]; env?: Record<string, string>; uid?: number } = {},
): Promise<Ran> {
  const { uid } = more;
  const start = sandbox.confine({
    argv: ["bash", "-c", line],
    cwd: workspace,
    env: { ...minimalEnvironment(env), ...more.env },
    writable: [workspace],
    readable: more.readable ?? [],
  });
  return ran(start, uid);
}

function ran({ argv: [program, ...args], cwd, env }: ProgramStart, uid: number | undefined): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env,
      stdio: ["ignore", "pipe", "pipe"],
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    const text = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (piece: string) => (text.stdout += piece));
    child.stderr.setEncoding("utf8").on("data", (piece: string) => (text.stderr += piece));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, ...text }));
  });
}
