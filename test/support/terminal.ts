import { execFile } from "node:child_process";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

import { testEnvironment } from "./program.ts";

const run = promisify(execFile);
const patienceMs = 30_000;
const lookMs = 20;

/** Whether this machine can give a test a terminal. */
export async function hasTmux(): Promise<boolean> {
  return run("tmux", ["-V"]).then(
    () => true,
    () => false,
  );
}

/** One program in a real terminal (tmux, 100 by 40), typed to and looked at as a person would. */
export class Terminal {
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  /** Runs a shell in `cwd`; the terminal is gone when the test has ended. */
  static async open(test: TestContext, cwd: string, env: Record<string, string> = {}): Promise<Terminal> {
    const terminal = new Terminal(`duragent-test-${process.pid}-${Math.random().toString(36).slice(2)}`);
    test.after(() => terminal.#tmux("kill-server").catch(() => undefined));
    const variables = Object.entries(testEnvironment(cwd, { TERM: "screen", PS1: "$ ", ...env })).map(
      ([name, value]) => `${name}=${value}`,
    );
    await terminal.#tmux(
      "-f",
      "/dev/null",
      "new-session",
      "-d",
      "-x",
      "100",
      "-y",
      "40",
      "-c",
      cwd,
      "env",
      "-i",
      ...variables,
      "/bin/sh",
    );
    return terminal;
  }

  /** As when its window is closed. */
  async close(): Promise<void> {
    await this.#tmux("kill-server");
  }

  async types(text: string): Promise<void> {
    await this.#tmux("send-keys", "-l", text);
  }

  /** Keys by tmux's names: Enter, C-c, C-d … */
  async press(...keys: string[]): Promise<void> {
    await this.#tmux("send-keys", ...keys);
  }

  /** The screen with what scrolled away, lines joined where the terminal wrapped them. */
  async screen(): Promise<string> {
    const { stdout } = await this.#tmux("capture-pane", "-p", "-J", "-S", "-");
    return stdout.replaceAll(/[ \t]+$/gmu, "").trimEnd();
  }

  /** Resolves with the screen once it matches. */
  async shows(pattern: RegExp): Promise<string> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const screen = await this.screen();
      if (pattern.test(screen)) return screen;
      if (performance.now() > deadline) throw new Error(`${String(pattern)} was not shown:\n${screen}`);
      await sleep(lookMs);
    }
  }

  #tmux(...args: string[]): Promise<{ stdout: string }> {
    return run("tmux", ["-L", this.#socket, ...args]);
  }
}
