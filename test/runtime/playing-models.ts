import { retryDefaults } from "../../src/domain/model/backoff.ts";
import { ModelFailure, type Model, type ModelPart } from "../../src/ports/model.ts";
import { callModel, type ModelCallOptions } from "../../src/runtime/model-calls/model-call.ts";
import { createVirtualClock } from "../support/virtual-clock.ts";

const request = { system: "", messages: [], tools: [], settings: {} };
export const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
export const finish: ModelPart = { type: "finish", stop: "end", usage };
export const text = (...words: string[]): ModelPart[] => words.map((word) => ({ type: "text", text: word }));

/** What a model does next. */
export type Step = ModelPart | ModelFailure | "hang" | { waitMs: number };

/** A model that does one list of steps for each try; time is the clock's. */
function playing(
  tries: Step[][],
  { clock, name = "one" }: { clock: ReturnType<typeof createVirtualClock>; name?: string },
) {
  let made = 0;
  const signals: AbortSignal[] = [];
  const model: Model = {
    provider: "test",
    name,
    async *stream(_request, signal) {
      signals.push(signal);
      const steps = tries[made] ?? [];
      made += 1;
      for (const step of steps) {
        // A model that does not look at its signal at all.
        if (step === "hang") await new Promise(() => undefined);
        else if (step instanceof ModelFailure) throw step;
        else if (typeof step === "object" && "waitMs" in step) clock.advance(step.waitMs);
        else yield step;
      }
    },
  };
  return { model, signals, tries: () => made };
}

export const failing = (status: number, over: { retryAfterMs?: number; usage?: typeof usage } = {}) =>
  new ModelFailure(`status ${status}`, { status, retryable: status === 429 || status >= 500, ...over });

/** A call of models that do these steps, a list for each try of each; `seen` is what the listeners heard. */
export function setUp(models: Step[][][], over: Partial<ModelCallOptions> = {}) {
  const clock = createVirtualClock({ sleepsPass: true, random: 0.999_999 });
  const played = models.map((tries, index) => playing(tries, { clock, name: `model-${index + 1}` }));
  const seen: string[] = [];
  const cancel = new AbortController();
  const call = () =>
    callModel({
      candidates: played.map(({ model }) => ({ model, request, retry: retryDefaults, promptTokens: 10 })),
      limits: { llmTimeoutMs: 300_000, idleTimeoutMs: 60_000 },
      clock,
      signal: cancel.signal,
      onTry: ({ attempt, model }) => seen.push(`try ${attempt} ${model}`),
      onText: (piece) => seen.push(piece),
      onThinking: (piece) => seen.push(`(${piece})`),
      onBackoff: (ms) => seen.push(`wait ${ms}`),
      onReset: () => seen.push("reset"),
      ...over,
    });
  return { call, clock, seen, cancel, played };
}
