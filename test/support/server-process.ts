import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";

import { temporaryFolder } from "./temporary-folder.ts";

const programPath = join(import.meta.dirname, "../../bin/duragent.mjs");
/** Generous: a loaded machine starts slowly, and a server that hangs must fail the test and not the whole run. */
const readyWithinMs = 30_000;

export type Exit = { code: number | null; signal: NodeJS.Signals | null };

/** One start of `duragent serve`, in a process group of its own. */
export type ServerLife = {
  readonly pid: number;
  readonly url: string;
  readonly port: number;
  /** From `spawn` until it said where it listens. */
  readonly readyMs: number;
  readonly exited: Promise<Exit>;
};

export type ServerOptions = {
  /** Files of the workspace by path. */
  files?: Readonly<Record<string, string>>;
  /** Text of duragent.yaml below `data_dir` and `agents`. */
  config?: string;
  env?: Readonly<Record<string, string>>;
  /** Where the workspace is; a temporary folder by default. */
  folder?: string;
  /** A command that runs the one which follows it. */
  wrapper?: readonly string[];
};

/** A scripted agent: what it says to everything, and how slowly. */
export function scriptedAgent(
  name: string,
  options: { onDisconnect?: "continue" | "pause"; say?: string; perTokenMs?: number; firstTokenMs?: number } = {},
): Record<string, string> {
  const { onDisconnect = "continue", say = "echo {{input}}", perTokenMs = 0, firstTokenMs = 0 } = options;
  const delay = { first_token_ms: firstTokenMs, per_token_ms: perTokenMs };
  return {
    ...agentFile(name, { provider: "scripted", name: "./script.yaml" }, onDisconnect),
    [`agents/${name}/script.yaml`]: JSON.stringify({ rules: [{ when: ".*", say }], delay }),
  };
}

export function agentFile(
  name: string,
  model: Readonly<Record<string, unknown>>,
  onDisconnect: "continue" | "pause" = "continue",
): Record<string, string> {
  const spec = { model, session: { on_disconnect: onDisconnect } };
  const agent = { apiVersion: "duragent/v1alpha1", kind: "Agent", metadata: { name }, spec };
  return { [`agents/${name}/agent.yaml`]: JSON.stringify(agent) };
}

/** The real program on real files, started, killed and started again. What is left of it dies with the test. */
export class ServerProcess {
  readonly folder: string;
  readonly #options: ServerOptions;
  readonly #children: Set<ChildProcess>;
  #life: ServerLife | null = null;
  #child: ChildProcess | null = null;
  #output = "";

  private constructor(folder: string, options: ServerOptions, children: Set<ChildProcess>) {
    this.folder = folder;
    this.#options = options;
    this.#children = children;
  }

  /** The workspace, with nothing started in it. */
  static async prepare(test: Pick<TestContext, "after">, options: ServerOptions = {}): Promise<ServerProcess> {
    const children = new Set<ChildProcess>();
    const killAll = (): void => children.forEach(killGroup);
    process.once("exit", killAll);
    // Registered before the folder's removal, so that it runs before it.
    test.after(async () => {
      process.off("exit", killAll);
      killAll();
      await Promise.all([...children].map(ended));
    });
    const folder = options.folder ?? (await temporaryFolder(test));
    const config = `data_dir: ./data\nagents: { static: { path: ./agents } }\n${options.config ?? ""}`;
    await mkdir(join(folder, "agents"), { recursive: true });
    for (const [path, text] of Object.entries({ "duragent.yaml": config, ...options.files })) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    return new ServerProcess(folder, options, children);
  }

  static async start(test: Pick<TestContext, "after">, options: ServerOptions = {}): Promise<ServerProcess> {
    const server = await ServerProcess.prepare(test, options);
    await server.start();
    return server;
  }

  get life(): ServerLife {
    assert.ok(this.#life, "no server is running");
    return this.#life;
  }

  get url(): string {
    return this.life.url;
  }

  get place(): { port: number } {
    return { port: this.life.port };
  }

  get dataDir(): string {
    return join(this.folder, "data");
  }

  /** Everything that all starts so far have written to stdout and stderr. */
  get output(): string {
    return this.#output;
  }

  logPath(sessionId: string): string {
    return join(this.dataDir, "sessions", sessionId, "events.jsonl");
  }

  /** Starts the program without waiting for it; on the first free port. */
  spawn(args: readonly string[] = ["serve", "--port", "0"], env: Readonly<Record<string, string>> = {}): ChildProcess {
    const [command = "", ...rest] = [...(this.#options.wrapper ?? []), process.execPath, programPath, ...args];
    const child = spawn(command, rest, {
      cwd: this.folder,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...environment(), ...this.#options.env, ...env },
    });
    this.#children.add(child);
    child.once("close", () => this.#children.delete(child));
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => (this.#output += text));
    }
    return child;
  }

  /** Resolves when it answers. */
  async start(): Promise<ServerLife> {
    const from = performance.now();
    const child = this.spawn();
    const exited = exitOf(child);
    const url = await listening(child, exited, () => this.#output);
    const life = {
      pid: child.pid ?? 0,
      url,
      port: Number(new URL(url).port),
      readyMs: performance.now() - from,
      exited,
    };
    this.#child = child;
    this.#life = life;
    return life;
  }

  /** `kill -9` of the whole process group; resolves when it is gone. */
  async kill9(): Promise<void> {
    assert.ok(this.#child);
    const { exited } = this.life;
    killGroup(this.#child);
    assert.deepEqual(await exited, { code: null, signal: "SIGKILL" }, `it had ended by itself:\n${this.#output}`);
    this.#life = null;
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(-this.life.pid, signal);
  }

  /** SIGTERM; resolves when it has drained and ended. */
  async stop(): Promise<Exit> {
    const { exited, pid } = this.life;
    process.kill(pid, "SIGTERM");
    const exit = await exited;
    this.#life = null;
    return exit;
  }
}

/** Runs the program to its end. */
export async function runProgram(
  server: ServerProcess,
  args: readonly string[],
): Promise<Exit & { stdout: string; stderr: string; tookMs: number }> {
  const from = performance.now();
  const child = server.spawn(args);
  const text = { stdout: "", stderr: "" };
  child.stdout?.on("data", (chunk: string) => (text.stdout += chunk));
  child.stderr?.on("data", (chunk: string) => (text.stderr += chunk));
  return { ...(await exitOf(child)), ...text, tookMs: performance.now() - from };
}

// What the machine's user has set must not reach the server: no keys, no other configuration.
function environment(): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, LANG } = process.env;
  return { PATH, HOME, TMPDIR, LANG, UV_THREADPOOL_SIZE: "16" };
}

async function exitOf(child: ChildProcess): Promise<Exit> {
  const [code, signal] = await once(child, "close");
  return { code, signal };
}

function listening(child: ChildProcess, exited: Promise<Exit>, output: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const timer = setTimeout(() => reject(new Error(`not ready in ${readyWithinMs} ms:\n${output()}`)), readyWithinMs);
    child.stdout?.on("data", (chunk: string) => {
      text += chunk;
      const url = /listens on (http:\/\/\S+)/.exec(text)?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve(url);
    });
    void exited.then(({ code, signal }) => {
      clearTimeout(timer);
      reject(new Error(`ended with ${code ?? signal} before it was ready:\n${output()}`));
    });
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "close");
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch (error) {
    // The last of the group has just gone.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
