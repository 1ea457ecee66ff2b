import { posix } from "node:path";
import { isMainThread, parentPort, Worker, workerData, type MessagePort } from "node:worker_threads";
import { ToolFault } from "../tool-fault.ts";
import { Turnstile } from "../turnstile.ts";

/** A regular expression of JavaScript, tried on texts; or a glob, tried on paths. */
export type Pattern = { kind: "expression" | "glob"; source: string };

const timeoutDefaultMs = 10_000;
/** Some expressions eat memory rather than time. */
const memoryMaxMb = 128;
/** Of all sessions: each is a thread that may be busy to the end of its time. */
const atOnceMax = 2;
const turnstile = new Turnstile(atOnceMax);

type Bounds = { signal: AbortSignal; timeoutMs?: number };

type Question = { texts: readonly string[]; hitsMax: number };

/**
 * Tries a pattern on texts in a thread of its own, because one that was made to (`(a+)+$`) would keep this one busy for
 * years: past `timeoutMs` in all the thread is ended, and so it is when the signal fires.
 */
export class PatternWorker implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #failed = new AbortController();
  readonly #end: AbortSignal;
  readonly #call: AbortSignal;
  readonly #source: string;
  readonly #leave: () => void;

  /** Waits until there is a place for one more. Throws ToolFault for what is no pattern, and the signal's reason. */
  static async start(pattern: Pattern, bounds: Bounds): Promise<PatternWorker> {
    testOf(pattern);
    const leave = await turnstile.enter(bounds.signal);
    try {
      return new PatternWorker(pattern, bounds, leave);
    } catch (error) {
      leave();
      throw error;
    }
  }

  private constructor(pattern: Pattern, { signal, timeoutMs = timeoutDefaultMs }: Bounds, leave: () => void) {
    this.#leave = leave;
    this.#source = pattern.source;
    this.#call = signal;
    this.#end = AbortSignal.any([signal, this.#failed.signal, AbortSignal.timeout(timeoutMs)]);
    this.#worker = new Worker(new URL(import.meta.url), {
      workerData: { duragentPattern: pattern },
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: memoryMaxMb },
    });
    // It ran out of memory.
    this.#worker.on("error", () => this.#failed.abort());
  }

  /** The places of the first `hitsMax` texts that match. One question at a time. Throws ToolFault when it takes too long. */
  match(texts: readonly string[], hitsMax: number): Promise<number[]> {
    const tooMuch = () =>
      new ToolFault(
        `The pattern ${this.#source} takes too long here: name a folder with less in it, or a simpler pattern.`,
      );
    return new Promise((resolve, reject) => {
      const onEnd = (): void => settle(() => reject(this.#call.aborted ? new Error("cancelled") : tooMuch()));
      const onHits = (hits: number[]): void => settle(() => resolve(hits));
      const settle = (how: () => void): void => {
        this.#end.removeEventListener("abort", onEnd);
        this.#worker.off("message", onHits);
        how();
      };
      if (this.#end.aborted) return onEnd();
      this.#end.addEventListener("abort", onEnd);
      this.#worker.on("message", onHits);
      this.#worker.postMessage({ texts, hitsMax } satisfies Question);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
    this.#leave();
  }
}

/** Throws ToolFault for what is no pattern. */
function testOf({ kind, source }: Pattern): (text: string) => boolean {
  if (kind === "glob") {
    // As in .gitignore: without a folder it means any.
    const glob = source.includes("/") ? source.replace(/^(\.?\/)+/, "") : `**/${source}`;
    return (text) => posix.matchesGlob(text, glob);
  }
  try {
    // Other dialects write flags at the beginning, where JavaScript knows none.
    const [, flag = "", rest = ""] = /^(\(\?i\))?(.*)$/s.exec(source) ?? [];
    const expression = new RegExp(rest, flag === "" ? "" : "i");
    return (text) => expression.test(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ToolFault(
      `${error.message}. Write a regular expression of JavaScript; \\ before what is meant literally.`,
    );
  }
}

/** The other side of the thread: this file again. */
function answer(port: MessagePort, pattern: Pattern): void {
  const matches = testOf(pattern);
  port.on("message", ({ texts, hitsMax }: Question) => {
    const hits: number[] = [];
    for (const [index, text] of texts.entries()) {
      if (hits.length === hitsMax) break;
      if (matches(text)) hits.push(index);
    }
    port.postMessage(hits);
  });
}

const isPattern = (value: unknown): value is Pattern =>
  typeof value === "object" && value !== null && "kind" in value && "source" in value;

const given: unknown = isMainThread ? undefined : workerData;
if (parentPort !== null && typeof given === "object" && given !== null && "duragentPattern" in given) {
  if (isPattern(given.duragentPattern)) answer(parentPort, given.duragentPattern);
}
