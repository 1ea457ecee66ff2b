import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";

import type { Clock } from "../../ports/clock.ts";
import type { ProgramStart } from "../../ports/sandbox.ts";
import type { ToolContext } from "../../ports/tool.ts";
import type { CommandOutput } from "./command-output.ts";
import type { CommandEnd } from "./command-result.ts";
import { liveOutput } from "./live-output.ts";
import { releaseMemory } from "../release-memory.ts";
import { wholeCharacters } from "../whole-characters.ts";
import { askToEnd, endNow, type ProcessFamily } from "./end-processes.ts";

/** From SIGTERM to SIGKILL. */
const stopGraceMs = 5000;
/** For what a command leaves behind to write its last words, once it has ended by itself. */
const leftBehindGraceMs = 1000;
/** A pipe that is still held by then is held by somebody who could not be found. */
const pipeGraceMs = 2000;
/** For the artifact store to take what is left. */
const storeGraceMs = 30_000;

export type CommandParts = {
  clock: Clock;
  context: ToolContext;
  output: CommandOutput;
  mark: string;
  stdin: string | undefined;
  timeoutMs: number;
  sandboxed: boolean;
  redactBytes(): { push(piece: string): string; end(): string };
};

type Stop = NonNullable<CommandEnd["stopped"]>;

/** One command from its start until nothing of it is left. */
export class RunningCommand {
  readonly pid: number;
  /** Never rejects. The processes are gone at most 7 s after its time-out, or after it was told to stop. */
  readonly ended: Promise<CommandEnd>;
  readonly #child: ChildProcess;
  readonly #parts: CommandParts;
  readonly #family: ProcessFamily;
  readonly #stop = Promise.withResolvers<Stop>();

  /** Resolves with what the system says where nothing was started. */
  static async start(start: ProgramStart, parts: CommandParts): Promise<RunningCommand | Error> {
    try {
      const [program, ...args] = start.argv;
      const child = spawn(program, args, {
        cwd: start.cwd,
        env: start.env,
        detached: true,
        stdio: [parts.stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      });
      if (child.pid !== undefined) return new RunningCommand(child, child.pid, parts);
      const failed: unknown[] = await once(child, "error");
      const error = failed[0];
      return error instanceof Error ? error : new Error(String(error));
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  private constructor(child: ChildProcess, pid: number, parts: CommandParts) {
    this.pid = pid;
    this.#child = child;
    this.#parts = parts;
    this.#family = { leader: pid, mark: parts.mark, sandboxed: parts.sandboxed };
    child.stdin?.on("error", () => {
      // It ended, or closed its input, without having read all of it: that is its own affair.
    });
    child.stdin?.end(parts.stdin);
    parts.output.onDrain = () => {
      child.stdout?.resume();
      child.stderr?.resume();
    };
    const show = liveOutput(parts.clock, (text) => parts.context.onOutput(text));
    this.#read(child.stdout, show);
    this.#read(child.stderr, show);
    this.ended = this.#run();
  }

  async stop(reason: string): Promise<void> {
    this.#stop.resolve({ why: "cancelled", reason });
    await this.ended;
  }

  #read(stream: Readable | null, show: (bytes: Buffer) => void): void {
    const redactor = this.#parts.redactBytes();
    const { output } = this.#parts;
    // Of a character of which the rest is still to come: between its bytes there must be none of the other stream.
    let begun = Buffer.alloc(0);
    const add = (redacted: string, isEnd = false): void => {
      const fresh = Buffer.from(redacted, "latin1");
      const bytes = begun.length === 0 ? fresh : Buffer.concat([begun, fresh]);
      const whole = isEnd ? bytes : wholeCharacters(bytes);
      begun = Buffer.from(bytes.subarray(whole.length));
      if (whole.length === 0) return;
      show(whole);
      if (output.add(whole)) return;
      this.#child.stdout?.pause();
      this.#child.stderr?.pause();
    };
    stream?.on("data", (bytes: Buffer) => {
      if (output.isFull) output.count(bytes);
      else add(redactor.push(bytes.toString("latin1")));
      releaseMemory(bytes);
    });
    stream?.once("end", () => add(redactor.end(), true));
  }

  async #run(): Promise<CommandEnd> {
    const { clock, timeoutMs, context, output } = this.#parts;
    const exited = new Promise<CommandEnd>((resolve) => {
      this.#child.once("exit", (code, signal) => resolve({ code, signal }));
    });
    const closed = new Promise<true>((resolve) => this.#child.once("close", () => resolve(true)));
    const within = async <Value>(promise: Promise<Value>, ms: number): Promise<Value | null> => {
      const late = Promise.withResolvers<null>();
      const cancel = clock.after(ms, () => late.resolve(null));
      return Promise.race([promise, late.promise]).finally(cancel);
    };

    const onAbort = (): void => this.#stop.resolve(stopOf(context.signal.reason, timeoutMs));
    context.signal.addEventListener("abort", onAbort, { once: true });
    if (context.signal.aborted) onAbort();
    const cancelTimeout = clock.after(timeoutMs, () => this.#stop.resolve({ why: "timeout", afterMs: timeoutMs }));
    const first = await Promise.race([exited, this.#stop.promise]);
    cancelTimeout();
    context.signal.removeEventListener("abort", onAbort);

    const stopped = "why" in first ? first : undefined;
    if (stopped !== undefined) {
      await askToEnd(this.#family);
      await within(exited, stopGraceMs);
    } else await within(closed, leftBehindGraceMs);
    await endNow(this.#family);
    const end = await within(exited, pipeGraceMs);
    for (let waitedMs = 0; (await within(closed, pipeGraceMs)) === null; waitedMs += pipeGraceMs) {
      // What a slow store makes wait is not lost; what nobody writes any more is not waited for.
      if (output.isWaiting && waitedMs < storeGraceMs) continue;
      this.#child.stdout?.destroy();
      this.#child.stderr?.destroy();
      break;
    }
    return { ...(end ?? { code: null, signal: "SIGKILL" }), ...(stopped === undefined ? {} : { stopped }) };
  }
}

/** The engine says why it stops a call in one word; the time of a whole turn is a time-out, too. */
function stopOf(reason: unknown, afterMs: number): Stop {
  return reason === "turn_limit" ? { why: "timeout", afterMs } : { why: "cancelled", reason: String(reason) };
}
