import { spawn } from "node:child_process";
import { mkdir, open, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { terminalText } from "../../../domain/terminal-text.ts";
import type { CommandContext, GlobalFlags } from "../context.ts";
import { CommandFailure, exitCodes, type ExitCode } from "../exit.ts";
import type { Place } from "../ground.ts";

/** A server that nobody asked for by name goes when nobody has used it for this long. */
const ephemeralSeconds = 300;
/** One that found the directory held has lost a race: the winner gets this long to be ready before another is started. */
const againMsMin = 5_000;
const logTailBytesMax = 4096;
const logTailLinesMax = 8;

export type Background = {
  /** How it ended; `null` while it runs. */
  exit(): { code: number | null } | null;
  failure(exit: { code: number | null }): Promise<CommandFailure>;
};

// The same distance from src/ and from a compiled dist/.
const program = fileURLToPath(new URL("../../../../bin/duragent.mjs", import.meta.url));

/**
 * Starts the data directory's server as a process of its own, which outlives this one: it listens on the socket only,
 * writes to logs/server.log, and stops after 5 idle minutes.
 */
async function startInBackground(context: CommandContext, globals: GlobalFlags, place: Place): Promise<Background> {
  const folder = join(place.dataDir, "logs");
  const logPath = join(folder, "server.log");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await using log = await open(logPath, "a", 0o600);
  const { size: logStart } = await log.stat();
  const config = globals.config === undefined ? [] : ["--config", resolve(context.cwd, globals.config)];
  const child = spawn(
    process.execPath,
    [program, "serve", ...config, "--socket-only", "--ephemeral", String(ephemeralSeconds)],
    {
      cwd: context.cwd,
      env: context.env,
      // A group of its own: ctrl-c in this terminal is not meant for it.
      detached: true,
      stdio: ["ignore", log.fd, log.fd],
    },
  );
  let exit: { code: number | null } | null = null;
  let spawnError: Error | null = null;
  child.on("error", (error) => {
    spawnError = error;
    exit = { code: null };
  });
  child.on("exit", (code) => (exit = { code }));
  child.unref();
  return {
    exit: () => exit,
    async failure({ code }) {
      if (spawnError !== null)
        return new CommandFailure(exitCodes.unavailable, `the server can not be started: ${spawnError.message}`);
      const written = (await readFile(logPath)).subarray(logStart).subarray(-logTailBytesMax).toString("utf8");
      const lines = terminalText(written).trim().split("\n");
      // What the server itself says is wrong is what the caller needs, not that a log has it.
      const said = lines.findLast((line) => line.startsWith("error: "))?.slice("error: ".length);
      const exitCode: ExitCode = code === exitCodes.configuration ? exitCodes.configuration : exitCodes.unavailable;
      return new CommandFailure(
        exitCode,
        said ?? `the server could not be started:\n${lines.slice(-logTailLinesMax).join("\n")}`,
        {
          hint: lines.findLast((line) => line.startsWith("hint: "))?.slice("hint: ".length) ?? `its log is ${logPath}`,
        },
      );
    },
  };
}

/** Starts the data directory's server, or answers with the one that was started within the last 5 s. */
export function backgroundStarter(
  context: CommandContext,
  globals: GlobalFlags,
  place: Place,
): () => Promise<Background> {
  let last: { at: number; background: Promise<Background> } | null = null;
  return () => {
    const now = performance.now();
    if (last === null || now - last.at > againMsMin)
      last = { at: now, background: startInBackground(context, globals, place) };
    return last.background;
  };
}
