import { spawn, type ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

import type { Clock } from "../../ports/clock.ts";
import { hasCode } from "../error-code.ts";
import { isGroupAlive } from "./group-alive.ts";

/** After `shutdown` and the end of stdin; after SIGTERM. */
const politeMs = 5_000;
const termMs = 2_000;
/** For what it has said before its end to be read. */
const lastWordsMs = 500;
/** A killed group is gone in an instant, unless the kernel holds one of it up. */
const goneChecksMax = 100;
const goneCheckMs = 10;

const markVariable = "DURAGENT_GATEWAY_START";

export type ProcessExit = {
  /** It could not be started at all. */
  readonly failure?: Error;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
};

export type GatewayStart = {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
};

type Parts = {
  clock: Clock;
  /** Sees to it that a process group, and whatever has `mark` in its environment, ends with this program; the answer ends that. */
  watch(group: number, mark: string): () => void;
  /** It has ended; what it left in its pipes comes now. */
  onExit(): void;
};

/** One process of a gateway, leader of a group of its own, and its end. */
export class GatewayProcess {
  /** Resolves when no process of the group is left and nothing more will be read. Never rejects. */
  readonly ended: Promise<ProcessExit>;
  readonly #child: ChildProcess;
  readonly #parts: Parts;
  #ending = false;
  #disarm: (() => void) | undefined;

  constructor({ argv: [command, ...args], cwd, env }: GatewayStart, parts: Parts) {
    this.#parts = parts;
    const mark = parts.clock.ulid();
    const marked = { ...env, [markVariable]: mark };
    this.#child = spawn(command, args, { cwd, env: marked, stdio: "pipe", detached: true });
    const { pid } = this.#child;
    const unwatch = pid === undefined ? undefined : parts.watch(pid, `${markVariable}=${mark}`);
    for (const pipe of [this.#child.stdin, this.#child.stdout, this.#child.stderr])
      // Broken by its end, which is heard of by itself.
      pipe?.on("error", () => undefined);
    // Comes in the same instant as the exit where its pipes were closed before.
    const closed = new Promise<void>((resolve) => this.#child.once("close", () => resolve()));
    this.ended = this.#end(closed).finally(() => unwatch?.());
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get stdout(): Readable | null {
    return this.#child.stdout;
  }

  get stderr(): Readable | null {
    return this.#child.stderr;
  }

  /** Bytes that it has not read. */
  get unreadBytes(): number {
    return this.#child.stdin?.writableLength ?? 0;
  }

  /** `onRead` is called once it has left for the pipe, or never will. `false`: its stdin is closed. */
  write(line: string, onRead: () => void): boolean {
    const stdin = this.#child.stdin;
    if (!stdin?.writable || this.#ending) return false;
    stdin.write(line, onRead);
    return true;
  }

  /** Closes its stdin after `lastLine`, and insists: SIGTERM after 5 s, SIGKILL after another 2 s. */
  end(lastLine: string): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#child.stdin?.end(lastLine);
    this.#disarm = this.#parts.clock.after(politeMs, () => {
      this.#kill("SIGTERM");
      this.#disarm = this.#parts.clock.after(termMs, () => this.#kill("SIGKILL"));
    });
  }

  async #end(closed: Promise<void>): Promise<ProcessExit> {
    const exit = await new Promise<ProcessExit>((resolve) => {
      this.#child.once("error", (failure) => resolve({ failure, code: null, signal: null }));
      this.#child.once("exit", (code, signal) => resolve({ code, signal }));
    });
    this.#disarm?.();
    this.#ending = true;
    if (exit.failure === undefined) {
      // What it started ends with it, also what keeps its pipes open.
      this.#kill("SIGKILL");
      this.#parts.onExit();
      await this.#lastWords(closed);
    }
    for (const pipe of [this.#child.stdin, this.#child.stdout, this.#child.stderr]) pipe?.destroy();
    await this.#groupGone();
    return exit;
  }

  /** Until all is read; a process that left the group and keeps the pipes holds nobody up for long. */
  async #lastWords(closed: Promise<void>): Promise<void> {
    const tooLong = Promise.withResolvers<void>();
    const disarm = this.#parts.clock.after(lastWordsMs, tooLong.resolve);
    await Promise.race([closed, tooLong.promise]);
    disarm();
  }

  async #groupGone(): Promise<void> {
    const { pid } = this.#child;
    if (pid === undefined) return;
    for (let check = 0; check < goneChecksMax && (await isGroupAlive(pid)); check += 1) await sleep(goneCheckMs);
  }

  #kill(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      // Gone already; or (EPERM) what is left belongs to another user, or is no more than a zombie (macOS).
      if (!hasCode(error, "ESRCH", "EPERM")) throw error;
    }
  }
}
