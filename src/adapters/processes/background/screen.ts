import { execFile } from "node:child_process";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import type { Clock } from "../../../ports/clock.ts";
import type { ProgramStart } from "../../../ports/sandbox.ts";
import { DuragentError } from "../../../schema/problem.ts";
import { screenDrain, screenKeeper, type Kept } from "./keeper.ts";

const execute = promisify(execFile);

/** sun_path holds 104 bytes on macOS, 108 on Linux. */
const socketBytesMax = 100;
const betweenKeysMs = 50;
const columns = "200";
const rows = "50";

export type Screen = { session: string; socket: string };

/** Where the tmux of a process listens: beside its record, or, where that path is too long, in a private folder of its own. */
export async function placeScreen(base: string, handle: string): Promise<Screen> {
  const beside = `${base}.tmux`;
  const fits = Buffer.byteLength(beside) <= socketBytesMax;
  return {
    session: `duragent-${handle}`,
    socket: fits ? beside : join(await mkdtemp(join(tmpdir(), "duragent-")), "tmux"),
  };
}

/**
 * Starts a program on a screen of 200 × 50, under a tmux server of its own: so its environment stands on no command line, and
 * nothing that it does reaches another's screen. Answers with the pid of the keeper. Throws `conflict` without tmux.
 */
export async function startScreen(program: ProgramStart, screen: Screen, kept: Kept): Promise<number> {
  await writeFile(`${kept.base}.log`, "", { mode: 0o600 });
  const place = ["-s", screen.session, "-x", columns, "-y", rows, "-c", program.cwd];
  const keeper = screenKeeper(program, kept).map(plain);
  const copy = ["pipe-pane", "-t", screen.session, plain(unexpanded(screenDrain(kept)))];
  const { stdout } = await tmux(
    screen,
    ["new-session", "-d", "-P", "-F", "#{pane_pid} #{pid}", ...place, "--", ...keeper, ";", ...copy],
    { path: kept.path, cwd: program.cwd, env: program.env },
  );
  const [pid = 0, server = 0] = stdout.trim().split(" ").map(Number);
  await writeFile(`${kept.base}.guard`, `${server}\n`, { mode: 0o600 });
  return pid;
}

/** What it shows now. */
export async function captureScreen(screen: Screen, path: string): Promise<string> {
  const { stdout } = await tmux(screen, ["capture-pane", "-p", "-t", screen.session], { path });
  return stdout.trimEnd();
}

/** Keys by their names in tmux; what is no name is typed. */
export async function sendKeys(screen: Screen, keys: readonly string[], at: { path: string; clock: Clock }) {
  for (const [index, key] of keys.entries()) {
    // Programs read what comes at once as pasted, and take a lone Escape with what follows for one key.
    if (index > 0) await at.clock.sleep(betweenKeysMs);
    await tmux(screen, ["send-keys", "-t", screen.session, "--", plain(key)], at);
  }
}

/** Types text as it is; a line feed is the Enter key. */
export async function typeText(screen: Screen, text: string, path: string): Promise<void> {
  for (const [index, line] of text.split("\n").entries()) {
    if (index > 0) await tmux(screen, ["send-keys", "-t", screen.session, "Enter"], { path });
    if (line !== "") await tmux(screen, ["send-keys", "-l", "-t", screen.session, "--", plain(line)], { path });
  }
}

/** An argument's last semicolon would end the command. */
const plain = (argument: string): string => (argument.endsWith(";") ? `${argument.slice(0, -1)}\\;` : argument);

/** pipe-pane expands formats and times in its command. */
const unexpanded = (command: string): string => command.replaceAll("#", "##").replaceAll("%", "%%");

type Run = { path: string; cwd?: string; env?: Readonly<Record<string, string>> };

async function tmux({ socket }: Screen, args: readonly string[], { path, cwd, env }: Run) {
  // The program is looked for by the server's PATH; the environment given is the one that a new tmux server passes on.
  const finds = ["-c", 'PATH=$1 tmux=$(PATH=$1 command -v tmux) || exit 127; shift; exec "$tmux" "$@"', "tmux", path];
  try {
    return await execute("/bin/sh", [...finds, "-u", "-f", "/dev/null", "-S", socket, ...args], {
      cwd,
      env: env ?? { PATH: path },
    });
  } catch (error) {
    const { code, stderr = "" } = error as { code?: number | string; stderr?: string };
    if (code === 127)
      throw new DuragentError("conflict", "tmux is not installed here: install it, or spawn without interactive");
    throw new DuragentError("conflict", `tmux refused: ${stderr.trim() || String(code)}`, { cause: error });
  }
}
