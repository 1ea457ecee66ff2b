import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";

import { createSystemClock } from "../../../src/adapters/clock/system.ts";
import { createCommandRunner } from "../../../src/adapters/processes/command-runner.ts";
import { openSandbox } from "../../../src/adapters/sandboxes/registry.ts";
import type { ArtifactStore } from "../../../src/ports/artifact-store.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { Command, CommandRunner } from "../../../src/ports/command-runner.ts";
import type { Sandbox } from "../../../src/ports/sandbox.ts";
import type { ToolContext } from "../../../src/ports/tool.ts";
import type { ToolResult } from "../../../src/schema/session-event.ts";
import { redactor } from "../../../src/domain/redact.ts";
import { recordingLog } from "../../support/runtime-harness.ts";
import { kill } from "../../support/program.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { contextOf, refOf } from "./command-context.ts";

export type Mode = "auto" | "none";
const hidden = { folders: [], files: [], holders: [] };
const sandboxed = await openSandbox({ mode: "auto", network: false, env: process.env, hidden });
const free = await openSandbox({ mode: "none", network: false, env: process.env, hidden });
export const sandboxOf = (mode: Mode): Sandbox => (mode === "auto" ? sandboxed : free);

/** Where there is no bubblewrap, one of the two would be tested twice. */
export const modes: readonly Mode[] = sandboxed.kind === "bubblewrap" ? ["auto", "none"] : ["none"];
if (modes.length === 1) console.warn(`commands in a sandbox were NOT tested: ${sandboxed.warnings.join("; ")}`);

/** Patience passes ten times as fast; what is really waited for does not. */
export function hurriedClock(): Clock {
  const clock = createSystemClock();
  return { ...clock, after: (ms, callback) => clock.after(ms / 10, callback) };
}

export type Ground = {
  workspace: string;
  runner: CommandRunner;
  /** What was stored, by name. */
  stored: Map<string, Buffer>;
  /** Their content types, by name. */
  types: Map<string, string | undefined>;
  live: string[];
  log: { level: string; message: string }[];
  /** A line of bash, with a minute of time if nothing else is said. */
  sh(line: string, more?: Partial<Command>, context?: Partial<ToolContext>): Promise<ToolResult>;
};

export type GroundOptions = {
  env?: NodeJS.ProcessEnv;
  secrets?: string[];
  clock?: Clock;
  put?: ArtifactStore["put"];
};

export async function openGround(t: TestContext, mode: Mode, options: GroundOptions = {}): Promise<Ground> {
  const workspace = join(await temporaryFolder(t), "workspace");
  const stored = new Map<string, Buffer>();
  const types: Ground["types"] = new Map();
  const live: string[] = [];
  const log: Ground["log"] = [];
  const put: ArtifactStore["put"] = async (_agent, name, content, meta) => {
    types.set(name, meta.content_type);
    const pieces: Uint8Array[] = [];
    for await (const piece of content) pieces.push(Buffer.from(piece));
    stored.set(name, Buffer.concat(pieces));
    return refOf(name);
  };
  const runner = createCommandRunner({
    sandbox: sandboxOf(mode),
    artifacts: { put: options.put ?? put },
    clock: options.clock ?? hurriedClock(),
    log: recordingLog(log),
    env: options.env ?? process.env,
    redactBytes: () => redactor(options.secrets ?? []).byteStream(),
  });
  t.after(() => runner.close());
  return {
    workspace,
    runner,
    stored,
    types,
    live,
    log,
    sh: (line, more = {}, context = {}) =>
      runner.run(
        {
          argv: ["bash", "-c", line],
          cwd: workspace,
          writable: [workspace],
          readable: [],
          timeoutMs: 600_000,
          ...more,
        },
        contextOf({ onOutput: (text) => void live.push(text), ...context }),
      ),
  };
}

/** A word for command lines by which their processes are found again; a test that fails leaves none of them behind. */
export function newWord(t: Pick<TestContext, "after">): string {
  const word = `${process.pid}${Math.floor(performance.now() * 1000)}`;
  t.after(async () => {
    for (const pid of await processesWith(word)) kill(pid);
  });
  return word;
}

/** Processes of this machine, outside and inside of sandboxes, with this word in their command line. */
export async function processesWith(word: string): Promise<number[]> {
  const found = await Promise.all(
    (await readdir("/proc"))
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
      .map(async (pid) => {
        // One that has gone meanwhile has none.
        const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
        return line.includes(word) ? [Number(pid)] : [];
      }),
  );
  return found.flat();
}
