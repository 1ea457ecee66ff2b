import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** Why system calls can not be tampered with here; `null` if they can. */
export function straceMissing(): string | null {
  if (process.platform !== "linux") return "strace needs Linux";
  const tried = spawnSync("strace", ["-f", "-o", "/dev/null", "-e", "inject=fdatasync:error=EIO", "true"]);
  if (tried.error) return `strace is not installed (${tried.error.message})`;
  return tried.status === 0 ? null : `strace can not trace here: ${tried.stderr.toString().trim()}`;
}

export type Traced = {
  /** What the program wrote to stdout, a JSON document a line. */
  lines: Record<string, unknown>[];
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Every traced call, as strace writes it: file descriptors with their paths. */
  calls: string[];
};

/**
 * Runs a program of test/faults/programs under strace with one tampering, e.g. `fdatasync:error=EIO:when=3`; `path`
 * limits it to calls on that file.
 */
export async function runTampered(
  program: string,
  args: readonly string[],
  options: { folder: string; inject: string; path?: string },
): Promise<Traced> {
  const output = join(options.folder, "strace.out");
  const script = join(import.meta.dirname, "../faults/programs", program);
  const limit = options.path === undefined ? [] : ["-P", options.path];
  const traced = "trace=pwrite64,write,fdatasync,ftruncate,rename,openat,close";
  // One thread in the pool: strace counts `when` for each thread by itself.
  const env = { ...process.env, UV_THREADPOOL_SIZE: "1" };
  const child = spawn(
    "strace",
    [
      "-f",
      "-qq",
      "-y",
      "-o",
      output,
      ...limit,
      "-e",
      traced,
      "-e",
      `inject=${options.inject}`,
      process.execPath,
      script,
      ...args,
    ],
    { stdio: ["ignore", "pipe", "inherit"], env },
  );
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  const [code, signal] = await once(child, "close");
  const lines = text.split("\n").filter((line) => line !== "");
  const calls = (await readFile(output, "utf8")).split("\n");
  return { lines: lines.map((line) => JSON.parse(line)), code, signal, calls };
}
