import { spawn, type ChildProcess } from "node:child_process";

import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client";

import type { Clock } from "../../ports/clock.ts";
import type { ProgramStart } from "../../ports/sandbox.ts";
import type { Log } from "../../ports/telemetry.ts";
import { boundedLines } from "../bounded-lines.ts";
import { hasCode } from "../error-code.ts";
import { LastLines } from "../last-lines.ts";

/** One message: a longer line ends its server. */
export const lineBytesMax = 8 * 1024 * 1024;
/** What a server may say in a second: the rest waits in its pipe. */
const linesPerSecondMax = 1_000;
/** What may wait for a server to read it; one more message fails. */
const unreadBytesMax = 16 * 1024 * 1024;
/** Lines that are no message, before its server is given up. */
const strayLinesMax = 1_000;
const errorLineBytesMax = 4 * 1024;
/** How long a server may take to end by itself once its stdin is closed, and after SIGTERM. */
const graceMs = 1_000;
/** For what a server has said before its end to be read. */
const lastWordsGraceMs = 500;

/** `endedBy` of a server that was closed: no reason of its own. */
export const stopped = "it was stopped";
const markVariable = "DURAGENT_MCP_START";

type Parts = {
  program: ProgramStart;
  clock: Clock;
  log: Log;
  parse(line: string): JSONRPCMessage;
  /** Sees to it that a process group, and whatever has `mark` in its environment, ends with this program; the answer ends that. */
  watch?(group: number, mark: string): () => void;
};

/**
 * A server as a child in a process group of its own, one JSON message a line on stdin and stdout (MCP, transport "stdio").
 * Whatever it prints, it costs bounded memory: a line without end or too many stray ones end it, and `endedBy` says why.
 */
export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: Transport["onmessage"];
  /** Why there is no server any more, in words. */
  endedBy: string | undefined;

  readonly #parts: Parts;
  readonly #errorLines: LastLines;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #strayLines = 0;
  #linesThisSecond = 0;
  #resume: (() => void) | undefined;
  #unwatch: (() => void) | undefined;
  #hasExited = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#errorLines = new LastLines(errorLineBytesMax, (line) =>
      parts.log.debug({ line }, "MCP server says on stderr"),
    );
  }

  /** What it said on stderr last; empty if nothing. */
  get lastWords(): string {
    return this.#errorLines.text;
  }

  async start(): Promise<void> {
    const { argv, cwd, env } = this.#parts.program;
    const [command, ...args] = argv;
    const mark = this.#parts.clock.ulid();
    const marked = { ...env, [markVariable]: mark };
    const child = spawn(command, args, { cwd, env: marked, stdio: "pipe", detached: true });
    this.#child = child;
    if (child.pid !== undefined) this.#unwatch = this.#parts.watch?.(child.pid, `${markVariable}=${mark}`);
    const spawned = Promise.withResolvers<void>();
    const exited = Promise.withResolvers<void>();
    this.#exited = exited.promise;
    child.once("spawn", spawned.resolve);
    child.once("error", (error) => {
      this.endedBy ??= error.message;
      spawned.reject(error);
      this.#gone(exited.resolve);
    });
    child.once("exit", (code, signal) => {
      this.#kill("SIGKILL");
      // What it said last, be it an answer, is in its pipes still. One that left the group and keeps those holds nobody up for long.
      let isTold = false;
      const gone = (): void => {
        disarm();
        const byItself = signal === null && code !== 0;
        // That a write to it failed is heard of before its exit, and makes the client stop it.
        if (this.endedBy === undefined || (this.endedBy === stopped && byItself))
          this.endedBy = signal === null ? `it ended with exit code ${code}` : `it was ended by ${signal}`;
        if (!isTold) this.#gone(exited.resolve);
        isTold = true;
      };
      const disarm = this.#parts.clock.after(lastWordsGraceMs, gone);
      child.once("close", gone);
      this.#hasExited = true;
      this.#resume?.();
    });
    for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.on("error", (error) => this.onerror?.(error));
    this.#read(child);
    await spawned.promise;
  }

  send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#child?.stdin;
    if (!stdin?.writable) return Promise.reject(new Error(this.endedBy ?? "the server has ended"));
    const line = `${JSON.stringify(message)}\n`;
    if (stdin.writableLength + Buffer.byteLength(line) > unreadBytesMax)
      return Promise.reject(
        new Error(`the server does not read what it is sent: ${stdin.writableLength} bytes wait already`),
      );
    return new Promise((resolve, reject) => {
      stdin.write(line, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Resolves when nothing of the server is left. */
  async close(): Promise<void> {
    this.endedBy ??= stopped;
    this.#child?.stdin?.end();
    this.#resume?.();
    const { clock } = this.#parts;
    const disarmTerm = clock.after(graceMs, () => this.#kill("SIGTERM"));
    const disarmKill = clock.after(2 * graceMs, () => this.#kill("SIGKILL"));
    await this.#exited;
    disarmTerm();
    disarmKill();
  }

  #read(child: ChildProcess): void {
    child.stdout?.on(
      "data",
      boundedLines(lineBytesMax, (line) => this.#take(line)),
    );
    child.stderr?.on("data", (chunk: Buffer) => this.#errorLines.add(chunk));
    child.stderr?.once("end", () => this.#errorLines.add(Buffer.from("\n")));
  }

  #take(line: string | null): void {
    if (this.endedBy !== undefined) return;
    if (line === null) return this.#giveUp(`it sent a line of more than ${lineBytesMax / 1024 / 1024} MiB`);
    this.#slowDown();
    if (line.trim() === "") return;
    try {
      this.onmessage?.(this.#parts.parse(line));
    } catch (error) {
      this.#strayLines += 1;
      this.#parts.log.debug({ line: line.slice(0, 200), error }, "MCP server printed what is no message");
      if (this.#strayLines > strayLinesMax) this.#giveUp(`it printed ${this.#strayLines} lines that are no messages`);
    }
  }

  #slowDown(): void {
    this.#linesThisSecond += 1;
    if (this.#linesThisSecond === 1)
      this.#parts.clock.after(1_000, () => {
        this.#linesThisSecond = 0;
        this.#resume?.();
      });
    if (this.#linesThisSecond <= linesPerSecondMax || this.#resume || this.#hasExited) return;
    this.#child?.stdout?.pause();
    this.#resume = () => {
      this.#resume = undefined;
      this.#child?.stdout?.resume();
    };
  }

  #giveUp(why: string): void {
    this.endedBy = why;
    this.#parts.log.warn({ why }, "MCP server was killed");
    this.#kill("SIGKILL");
  }

  #kill(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      // Gone already; or (EPERM) what is left belongs to another user, or is no more than a zombie (macOS).
      if (!hasCode(error, "ESRCH", "EPERM")) throw error;
    }
  }

  #gone(resolve: () => void): void {
    const child = this.#child;
    this.#child = undefined;
    this.#unwatch?.();
    child?.stdin?.destroy();
    child?.stdout?.destroy();
    child?.stderr?.destroy();
    resolve();
    this.onclose?.();
  }
}
