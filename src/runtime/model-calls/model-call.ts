import { backoffMs, type RetryLimits } from "../../domain/model/backoff.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ModelFailure } from "../../ports/model.ts";
import type { Usage } from "../../schema/session-event.ts";
import type { CallGate } from "../limits/call-gate.ts";
import {
  noProgress,
  thoughtUsage,
  tryModel,
  usageSoFar,
  type Candidate,
  type ModelAnswer,
  type TryOutcome,
  type TryProgress,
} from "./model-try.ts";

export type ModelCallLimits = {
  /** For one candidate: all its tries and the waits between them. */
  llmTimeoutMs: number;
  /** Between pieces of content. */
  idleTimeoutMs: number;
};

export type ModelCallOptions = {
  /** The model that was asked for and its fallbacks, in order; at least one. */
  candidates: readonly Candidate[];
  limits: ModelCallLimits;
  clock: Clock;
  signal: AbortSignal;
  /** Lets each try start when limits allow it. What it waits is not of `llmTimeoutMs`. */
  gate?: Pick<CallGate, "admit" | "settle" | "mustCount">;
  /** A try begins; `attempt` counts from 1 over the whole call. */
  onTry?(started: { attempt: number; provider: string; model: string }): void;
  onText?(text: string): void;
  onThinking?(text: string): void;
  /** A try has failed; the next begins in `ms`. */
  onBackoff?(ms: number, failure: ModelFailure): void;
  /** What was shown of this call so far does not count: another try begins, or the call has failed. */
  onReset?(): void;
};

/** Usage that stands in no answer: of tries that brought none; `thought`: made up by us, where a provider says nothing. */
export type WastedUsage = { usage: Usage; provider: string; model: string; thought?: true };

type Measured = {
  provider: string;
  model: string;
  /** Tries of all candidates. */
  attempts: number;
  /** From the call's start, waits included. */
  latencyMs: number;
  /** From the call's start to the first content of the try that counts; `latencyMs` if there was none. */
  firstTokenMs: number;
  wastedUsage: WastedUsage[];
};

export type ModelCallResult =
  | ({ kind: "response" } & ModelAnswer & Measured)
  | {
      kind: "failed";
      code: "provider-error" | "provider-timeout";
      /** The provider's own words; with fallbacks, what each of them said. */
      message: string;
      status?: number;
      retryable: boolean;
      provider: string;
      model: string;
      attempts: number;
      latencyMs: number;
      wastedUsage: WastedUsage[];
    }
  /** The gate let no try start any more: a limit holds. */
  | { kind: "refused"; provider: string; model: string; wastedUsage: WastedUsage[] }
  /** The signal fired; `partialText` is what was shown. */
  | ({ kind: "aborted"; partialText: string; thinking?: string; usage?: Usage } & Measured);

/**
 * Makes one logical call: tries a model until it answers, cannot or may not any more, then its fallbacks. Never throws
 * for what a provider does; whether it is billed for a try that failed is only known where it said so (`wastedUsage`).
 */
export async function callModel(options: ModelCallOptions): Promise<ModelCallResult> {
  const { clock, signal } = options;
  const startedAtMs = clock.monotonic();
  const wastedUsage: WastedUsage[] = [];
  const failures: { candidate: Candidate; failure: ModelFailure; timeout: boolean }[] = [];
  let attempts = 0;
  let progress: TryProgress = noProgress();

  const measured = (candidate: Candidate): Measured => {
    const latencyMs = Math.round(clock.monotonic() - startedAtMs);
    const firstTokenMs =
      progress.firstContentAtMs === undefined ? latencyMs : Math.round(progress.firstContentAtMs - startedAtMs);
    return { ...named(candidate), attempts, latencyMs, firstTokenMs, wastedUsage };
  };
  const aborted = (candidate: Candidate): ModelCallResult => {
    const usage = usageSoFar(progress);
    return {
      kind: "aborted",
      partialText: progress.text,
      ...(progress.thinking !== "" && { thinking: progress.thinking }),
      ...(usage && { usage }),
      ...measured(candidate),
    };
  };
  const reset = (): void => {
    if (progress.text !== "" || progress.thinking !== "") options.onReset?.();
    progress = noProgress();
  };

  for (const candidate of options.candidates) {
    let deadlineMs = clock.monotonic() + options.limits.llmTimeoutMs;
    for (let attempt = 1; ; attempt += 1) {
      if (signal.aborted) return aborted(candidate);
      const askedAtMs = clock.monotonic();
      const admission = await options.gate?.admit({
        ...named(candidate),
        promptTokens: candidate.promptTokens,
        outputTokens: candidate.request.settings.maxOutputTokens,
        isFallback: candidate !== options.candidates[0],
      });
      if (signal.aborted || admission?.kind === "aborted") return aborted(candidate);
      if (admission?.kind === "refused") return { kind: "refused", ...named(candidate), wastedUsage };
      if (admission?.kind === "failed") failures.push({ candidate, failure: admission.failure, timeout: false });
      if (admission?.kind === "failed" || admission?.kind === "passed_over") break;
      deadlineMs += clock.monotonic() - askedAtMs;
      reset();
      attempts += 1;
      options.onTry?.({ attempt: attempts, ...named(candidate) });
      const outcome = await tryModel({
        candidate,
        clock,
        signal,
        timeoutMs: Math.max(0, deadlineMs - clock.monotonic()),
        idleTimeoutMs: options.limits.idleTimeoutMs,
        progress,
        onText: (text) => options.onText?.(text),
        onThinking: (text) => options.onThinking?.(text),
      });
      const used = settled(options, candidate, progress, outcome);
      if (used) wastedUsage.push({ ...used, ...named(candidate) });
      if (outcome.kind === "answer") return { kind: "response", ...outcome.answer, ...measured(candidate) };
      if (outcome.kind === "aborted") return aborted(candidate);

      const { failure } = outcome;
      // Counted: a cancel during the wait must not count it again.
      progress.usage = undefined;
      const waitMs = waitAfter(failure, attempt, { retry: candidate.retry, clock, deadlineMs });
      if (waitMs === undefined) {
        failures.push({ candidate, failure, timeout: outcome.timeout });
        break;
      }
      options.onBackoff?.(waitMs, failure);
      if ((await waited(clock, waitMs, signal)) === "aborted") return aborted(candidate);
    }
  }

  const last = failures.at(-1);
  if (last === undefined) throw new TypeError("callModel needs at least one candidate");
  reset();
  const { provider, model, latencyMs } = measured(last.candidate);
  return {
    kind: "failed",
    code: last.timeout ? "provider-timeout" : "provider-error",
    message: messageOf(failures),
    ...(last.failure.status !== undefined && { status: last.failure.status }),
    retryable: last.failure.retryable,
    provider,
    model,
    attempts,
    latencyMs,
    wastedUsage,
  };
}

/** Tells the gate what a try has used; answers with what stands in no event unless it is added. */
function settled(
  { gate }: ModelCallOptions,
  candidate: Candidate,
  progress: TryProgress,
  outcome: TryOutcome,
): { usage: Usage; thought?: true } | undefined {
  const toolCalls = outcome.kind === "answer" ? outcome.answer.toolCalls : [];
  const told =
    outcome.kind === "answer"
      ? outcome.answer.usage
      : outcome.kind === "failure"
        ? (outcome.failure.usage ?? usageSoFar(progress))
        : usageSoFar(progress);
  const thought = told || !gate?.mustCount(named(candidate)) ? undefined : thoughtUsage(progress, candidate, toolCalls);
  gate?.settle(named(candidate), told ?? thought, outcome.kind === "failure");
  if (thought) return { usage: thought, thought: true };
  // That of an answer, or of what is left of one, goes with it.
  return told && outcome.kind === "failure" ? { usage: told } : undefined;
}

function named(candidate: Candidate): { provider: string; model: string } {
  return { provider: candidate.model.provider, model: candidate.model.name };
}

/** Nothing: this model is not asked again. A wait that would outlast the time-out is not begun. */
function waitAfter(
  failure: ModelFailure,
  attempt: number,
  { retry, clock, deadlineMs }: { retry: RetryLimits; clock: Clock; deadlineMs: number },
): number | undefined {
  if (!failure.retryable || attempt >= retry.maxAttempts) return undefined;
  const waitMs = backoffMs({ attempt, retryAfterMs: failure.retryAfterMs, random: clock.random() }, retry);
  return clock.monotonic() + waitMs < deadlineMs ? waitMs : undefined;
}

async function waited(clock: Clock, ms: number, signal: AbortSignal): Promise<"over" | "aborted"> {
  try {
    await clock.sleep(ms, signal);
    return "over";
  } catch (error) {
    if (signal.aborted) return "aborted";
    throw error;
  }
}

function messageOf(failures: readonly { candidate: Candidate; failure: ModelFailure }[]): string {
  if (failures.length === 1) return failures[0]?.failure.message ?? "";
  return failures
    .map(({ candidate, failure }) => `${candidate.model.provider}/${candidate.model.name}: ${failure.message}`)
    .join("; ");
}
