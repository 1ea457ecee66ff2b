import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

/** A program that was started and has said that it is ready. */
export type Program = AsyncDisposable & {
  readonly pid: number;
  /** Where it listens. */
  readonly url: string;
  /** From the start of the process until it said so. */
  readonly readyMs: number;
  /** Of a program that was started with `--inspect`. */
  readonly inspectorUrl: string;
  /** Resolves once it is gone; asks with SIGTERM first. */
  stop(): Promise<void>;
};

/** Starts Node on a program that prints a line with its URL once it is ready. Throws with what it said if it ends before. */
export async function startProgram(
  path: string,
  options: {
    args?: readonly string[];
    env?: Readonly<Record<string, string>>;
    cwd?: string;
    nodeArgs?: readonly string[];
  } = {},
): Promise<Program> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...(options.nodeArgs ?? []), path, ...(options.args ?? [])], {
    env: { ...process.env, UV_THREADPOOL_SIZE: "16", ...options.env },
    cwd: options.cwd ?? process.cwd(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => {
    said.push(line);
    if (said.length > 40) said.splice(1, 1);
  });
  child.once("exit", (code) => {
    if (code !== 0 && code !== null) console.error(`${path} ended with ${code}:\n${said.join("\n")}`);
  });
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const found = /https?:\/\/[\d.:]+/.exec(line);
      if (found) resolve(found[0]);
    });
    child.once("exit", (code) => reject(new Error(`${path} ended with ${code}:\n${said.join("\n")}`)));
  });
  const readyMs = performance.now() - startedAt;
  const { pid } = child;
  if (pid === undefined) throw new Error(`${path} has no process id`);
  const inspectorUrl = /ws:\S+/.exec(said.join("\n"))?.[0] ?? "";
  const stop = (): Promise<void> => end(child);
  return { pid, url, readyMs, inspectorUrl, stop, [Symbol.asyncDispose]: stop };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}

/** Memory that a process holds now, in MiB (Linux). */
export function residentMiB(pid: number): number {
  const found = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(found?.[1]) / 1024;
}
