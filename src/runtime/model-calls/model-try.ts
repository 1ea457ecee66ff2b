import type { RetryLimits } from "../../domain/model/backoff.ts";
import type { Clock } from "../../ports/clock.ts";
import { ModelFailure, type Model, type ModelPart, type ModelRequest, type ModelStop } from "../../ports/model.ts";
import type { ToolCall, Usage } from "../../schema/session-event.ts";

/** The text of a response, and likewise its thoughts, is at most this long (UTF-8). */
export const responseBytesMax = 1024 * 1024;
/** The arguments of all calls of a response together (UTF-8, as JSON). */
export const argumentBytesMax = 2 * 1024 * 1024;
/** Calls in one response. */
export const responseCallsMax = 1000;

/** A model, the request as that model gets it, and how often and how patiently it is asked. */
export type Candidate = {
  model: Model;
  request: ModelRequest;
  retry: RetryLimits;
  /** What the request is thought to take, for limits. */
  promptTokens: number;
};

export type ModelAnswer = {
  text: string;
  thinking?: string;
  toolCalls: { call: ToolCall; invalidArguments?: string }[];
  stop: ModelStop;
  usage?: Usage;
  providerState?: unknown;
};

export type TryOutcome =
  | { kind: "answer"; answer: ModelAnswer }
  | { kind: "failure"; failure: ModelFailure; timeout: boolean }
  | { kind: "aborted" };

/** What a try has brought so far; it stays readable whatever becomes of the try. */
export type TryProgress = {
  text: string;
  thinking: string;
  firstContentAtMs: number | undefined;
  /** As the provider told it before the end. */
  usage: Usage | undefined;
};

export const noProgress = (): TryProgress => ({
  text: "",
  thinking: "",
  firstContentAtMs: undefined,
  usage: undefined,
});

/** What an unfinished try used, if its provider said anything: the output as told, or four bytes a token if that is more. */
export function usageSoFar({ usage, text, thinking }: TryProgress): Usage | undefined {
  if (usage === undefined) return undefined;
  const completion = Math.max(usage.completion_tokens, Math.ceil(Buffer.byteLength(text + thinking) / 4));
  return { ...usage, completion_tokens: completion, total_tokens: usage.prompt_tokens + completion };
}

/** What a try is thought to have used whose provider said nothing of it; nothing if it has not even begun to answer. */
export function thoughtUsage(
  { text, thinking }: TryProgress,
  candidate: Candidate,
  toolCalls: readonly { call: ToolCall }[] = [],
): Usage | undefined {
  const calls = toolCalls.map(({ call }) => JSON.stringify(call.arguments)).join("");
  const said = text + thinking + calls;
  if (said === "" && toolCalls.length === 0) return undefined;
  const completion = Math.ceil(Buffer.byteLength(said) / 4);
  const { promptTokens: prompt } = candidate;
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

export type TryOptions = {
  candidate: Candidate;
  clock: Clock;
  /** The caller's: an abort is not a failure. */
  signal: AbortSignal;
  /** For the whole try. */
  timeoutMs: number;
  /** Between one piece of content and the next; the first may take as long as the try: models that think say nothing. */
  idleTimeoutMs: number;
  progress: TryProgress;
  onText(text: string): void;
  onThinking(text: string): void;
};

class ModelTimeout extends Error {}

// Made once: an error costs the stack that it takes down.
const callOver = new Error("the call is over");

/** Asks a model once. Whatever fails is in the outcome; only the callbacks' own errors are thrown. */
export async function tryModel(options: TryOptions): Promise<TryOutcome> {
  const { candidate, clock, signal } = options;
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  const timeout = (words: string) => () => stop.abort(new ModelTimeout(words));
  const cancelTotal = clock.after(
    options.timeoutMs,
    timeout(`the model did not finish within ${seconds(options.timeoutMs)} (llm_timeout_seconds)`),
  );
  let cancelIdle = (): void => undefined;
  const onContent = (): void => {
    options.progress.firstContentAtMs ??= clock.monotonic();
    cancelIdle();
    cancelIdle = clock.after(
      options.idleTimeoutMs,
      timeout(`the model said nothing for ${seconds(options.idleTimeoutMs)} (idle_timeout_seconds)`),
    );
  };

  const parts = candidate.model.stream(candidate.request, stop.signal)[Symbol.asyncIterator]();
  const collect = collector(options);
  try {
    for (;;) {
      const next = await nextPart(parts, stop.signal);
      if (next instanceof ModelFailure) {
        if (signal.aborted) return { kind: "aborted" };
        return { kind: "failure", failure: next, timeout: stop.signal.reason instanceof ModelTimeout };
      }
      if (next.type !== "finish" && next.type !== "usage") onContent();
      const done = collect(next);
      if (done instanceof ModelFailure) return { kind: "failure", failure: done, timeout: false };
      if (done !== undefined) return { kind: "answer", answer: done };
    }
  } finally {
    cancelTotal();
    cancelIdle();
    signal.removeEventListener("abort", onAbort);
    // Closes the connection, if the model has not; an answer that is whole is not touched by it.
    stop.abort(callOver);
    leave(parts);
  }
}

/** Takes parts in; answers with the whole once its end has come, or with a failure when it grows too long. */
function collector(options: TryOptions): (part: ModelPart) => ModelAnswer | ModelFailure | undefined {
  const { progress } = options;
  const bytes = { text: 0, thinking: 0, announced: 0, calls: 0 };
  const toolCalls: ModelAnswer["toolCalls"] = [];
  return (part) => {
    switch (part.type) {
      case "text":
        bytes.text += Buffer.byteLength(part.text);
        if (bytes.text > responseBytesMax) return tooLong("the response", responseBytesMax);
        progress.text += part.text;
        options.onText(part.text);
        return undefined;
      case "thinking":
        bytes.thinking += Buffer.byteLength(part.text);
        if (bytes.thinking > responseBytesMax) return tooLong("the model's thinking", responseBytesMax);
        progress.thinking += part.text;
        options.onThinking(part.text);
        return undefined;
      case "usage":
        progress.usage = part.usage;
        return undefined;
      case "progress":
        bytes.announced += part.bytes;
        return bytes.announced > argumentBytesMax
          ? tooLong("the arguments of the tool calls", argumentBytesMax)
          : undefined;
      case "tool_call": {
        const { call, invalidArguments } = part;
        bytes.calls += Buffer.byteLength(JSON.stringify(call.arguments));
        if (bytes.calls > argumentBytesMax) return tooLong("the arguments of the tool calls", argumentBytesMax);
        if (toolCalls.length === responseCallsMax) {
          return new ModelFailure(`the model made more than ${responseCallsMax} tool calls at once`, {
            retryable: false,
          });
        }
        toolCalls.push({ call, ...(invalidArguments !== undefined && { invalidArguments }) });
        return undefined;
      }
      case "finish": {
        const { stop, usage, providerState } = part;
        return {
          text: progress.text,
          toolCalls,
          stop,
          ...(progress.thinking !== "" && { thinking: progress.thinking }),
          ...(usage && { usage }),
          ...(providerState !== undefined && { providerState }),
        };
      }
    }
  };
}

/** The next part, or why there is none. Does not rely on the model to notice an abort. */
async function nextPart(parts: AsyncIterator<ModelPart>, signal: AbortSignal): Promise<ModelPart | ModelFailure> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    const next = await Promise.race([parts.next(), aborted.promise]);
    if (next.done === true)
      return new ModelFailure("the model's response broke off before its end", { retryable: true });
    return next.value;
  } catch (error) {
    if (error instanceof ModelFailure) return error;
    const words = error instanceof Error ? error.message : String(error);
    return new ModelFailure(words, { retryable: error instanceof ModelTimeout, cause: error });
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function leave(parts: AsyncIterator<ModelPart>): void {
  // The try is over: how the abandoned stream ends tells nobody anything.
  parts.return?.().catch(() => undefined);
}

function tooLong(what: string, bytesMax: number): ModelFailure {
  return new ModelFailure(`${what} is longer than ${bytesMax / 1024 / 1024} MiB, the most that is kept`, {
    retryable: false,
  });
}

function seconds(ms: number): string {
  return `${ms / 1000} s`;
}
