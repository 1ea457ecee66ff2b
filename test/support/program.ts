import { spawn, type ChildProcess } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

import { temporaryFolder } from "./temporary-folder.ts";

export const repository = fileURLToPath(new URL("../../", import.meta.url));
const bin = join(repository, "bin", "duragent.mjs");

/** Longer than anything here takes on a loaded machine; a test that waits for this has failed. */
const patienceMs = 30_000;

export type ProgramOptions = { cwd: string; env?: Record<string, string | undefined>; stdin?: string };

/** One run of the real program: what it has written so far, and ways to wait for more. */
export class Program {
  readonly exit: Promise<number | null>;
  readonly child: ChildProcess;
  stdout = "";
  stderr = "";
  readonly #changed = new Set<() => void>();

  constructor(args: readonly string[], { cwd, env = {}, stdin }: ProgramOptions) {
    this.child = spawn(process.execPath, [bin, ...args], { cwd, env: testEnvironment(cwd, env), stdio: "pipe" });
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => this.#grow(() => (this.stdout += text)));
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => this.#grow(() => (this.stderr += text)));
    this.exit = new Promise((resolve) => {
      this.child.once("close", (code) => {
        resolve(code);
        this.#grow(() => undefined);
      });
    });
    if (stdin !== undefined) this.child.stdin?.end(stdin);
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error("the program did not start");
    return this.child.pid;
  }

  /** Resolves with the match once stdout or stderr has it; rejects when the program ends without. */
  async shows(pattern: RegExp): Promise<RegExpExecArray> {
    const deadline = AbortSignal.timeout(patienceMs);
    for (;;) {
      const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
      if (match !== null) return match;
      if (this.child.exitCode !== null || this.child.signalCode !== null || deadline.aborted) {
        throw new Error(`${String(pattern)} was not shown\nstdout: ${this.stdout}\nstderr: ${this.stderr}`);
      }
      await new Promise<void>((resolve) => {
        this.#changed.add(resolve);
        deadline.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  #grow(append: () => void): void {
    append();
    for (const resolve of this.#changed) resolve();
    this.#changed.clear();
  }
}

/** Nothing of the person who runs the tests: no home, no keys, no configuration. */
export function testEnvironment(cwd: string, env: Record<string, string | undefined> = {}): Record<string, string> {
  const given = {
    PATH: process.env["PATH"],
    HOME: join(cwd, ".home"),
    XDG_CACHE_HOME: join(repository, "node_modules", ".cache"),
    OLLAMA_HOST: "127.0.0.1:9",
    ...env,
  };
  return Object.fromEntries(
    Object.entries(given).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}

/** Runs the program to its end. */
export async function duragent(
  args: readonly string[],
  options: ProgramOptions,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const program = new Program(args, { stdin: "", ...options });
  const code = await program.exit;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

/** A program that is killed, if it still runs, when its test has ended. */
export function startProgram(
  test: Pick<TestContext, "after">,
  args: readonly string[],
  options: ProgramOptions,
): Program {
  const program = new Program(args, options);
  test.after(async () => {
    program.child.kill("SIGKILL");
    await program.exit;
  });
  return program;
}

/** The process that serves a data directory, as it says itself. */
export async function serverPid(dataDir: string): Promise<number | null> {
  try {
    const record: unknown = JSON.parse(await readFile(join(dataDir, "server.json"), "utf8"));
    return typeof record === "object" && record !== null && "pid" in record && typeof record.pid === "number"
      ? record.pid
      : null;
  } catch {
    // No server, or one that has just gone.
    return null;
  }
}

/**
 * A folder whose background server, if a command starts one, ends with the test. The hooks of a test run in the order
 * in which they were given: the server goes while the folder still says which process it is.
 */
export async function servedFolder(test: Pick<TestContext, "after">): Promise<string> {
  let folder = "";
  test.after(async () => {
    const pid = await serverPid(join(folder, ".duragent"));
    if (pid !== null) kill(pid);
  });
  folder = await temporaryFolder(test);
  return folder;
}

export function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
