import { ModelFailure, type ModelRequest } from "../../ports/model.ts";
import type { Appended, Lease } from "../../ports/session-store.ts";
import { contextUse } from "../../domain/prompt/fit-request.ts";
import type { TurnState } from "../../domain/session/state.ts";
import type { MessageId } from "../../schema/ids.ts";
import { DuragentError } from "../../schema/problem.ts";
import type { EventDraft, ToolCall } from "../../schema/session-event.ts";
import { CallGate } from "../limits/call-gate.ts";
import { callModel, type ModelCallResult } from "./model-call.ts";
import { retryFor } from "./model-limits.ts";
import type { Candidate } from "./model-try.ts";
import { buildRequest, modelChoices, type BuiltRequest } from "./model-request.ts";
import type { AgentInForce, LivingSession } from "../living-session.ts";
import type { RuntimeParts } from "../parts.ts";
import { prepareTools } from "../prepare-tools.ts";
import { ShownText } from "../shown-text.ts";
import { cutShort, withPrice, wastedEvents } from "./usage-events.ts";
import { whileRunning } from "../while-running.ts";

/** One model call of the open turn, with its retries: its response enters the log whole, or nothing of it does. */
export async function performModelCall(
  session: LivingSession,
  lease: Lease,
  parts: RuntimeParts,
): Promise<Appended | null> {
  const state = session.log.durable;
  const { turn } = state;
  if (!turn || !session.inForce) return null;
  await prepareTools(session, parts);
  const built = buildRequest(state, turn, session.log.kept.durable(), session.inForce);
  if (startsCompaction(session, turn, built)) return null;
  const { inForce } = session;
  const candidates = await candidatesFor(session, inForce, parts, built);
  if (candidates.length === 0) return null;
  const { throughSeq } = built.conversation;
  return whileRunning(session, lease, parts, { type: "call_model", throughSeq }, async (signal) => {
    using gate = gateOf(session, inForce, parts, signal);
    const shown = new ShownText(session, parts, turn, throughSeq);
    const result = await callModel({
      candidates,
      limits: {
        llmTimeoutMs: session.settings().llmTimeoutMs,
        idleTimeoutMs: session.settings().idleTimeoutMs,
      },
      clock: parts.clock,
      signal,
      gate,
      onTry: () => shown.begin(),
      onText: (text) => shown.text(text),
      onThinking: (text) => shown.thinking(text),
      onBackoff: (ms, failure) => {
        session.backingOff = true;
        session.tellActivity({ for_ms: Math.round(ms), reason: parts.redact(failure.message) });
      },
      onReset: () => shown.begin(),
    });
    session.backingOff = false;
    if (result.kind === "response") shown.finish();
    const done = { turn, built, result, messageId: shown.messageId, signal };
    const appended = await record(session, lease, parts, done);
    if (appended?.kind !== "appended") session.feed.endText();
    else
      void appended.durable.then(
        () => session.feed.endText(),
        () => session.feed.endText(),
      );
    return appended;
  });
}

type Done = {
  turn: TurnState;
  built: BuiltRequest;
  result: ModelCallResult;
  messageId: MessageId;
  signal: AbortSignal;
};

async function record(session: LivingSession, lease: Lease, parts: RuntimeParts, done: Done): Promise<Appended | null> {
  const { result, turn } = done;
  const base = { timestamp: new Date(parts.clock.now()).toISOString(), turn_id: turn.id };
  const wasted = wastedEvents(parts, session.inForce, base, result.wastedUsage);
  if (result.kind === "refused") return wasted.length > 0 ? session.log.append(wasted, { lease }) : null;
  observe(parts, result);
  if (result.kind === "failed") {
    session.failure = {
      turnId: turn.id,
      code: result.code,
      message: result.message,
      retryable: result.retryable,
    };
    return wasted.length > 0 ? session.log.append(wasted, { lease }) : null;
  }
  const last =
    result.kind === "aborted" ? abortedEvents(session, parts, base, done) : [response(session, parts, base, done)];
  const recorded = [...wasted, ...last];
  if (recorded.length === 0) return null;
  return session.log.append(recorded, { lease });
}

type Base = { timestamp: string; turn_id: TurnState["id"] };

function response(session: LivingSession, parts: RuntimeParts, base: Base, done: Done): EventDraft {
  const { result, built } = done;
  if (result.kind !== "response") throw new DuragentError("internal-error", "only a response can be recorded as one");
  const calls = withDistinctIds(
    result.toolCalls.map(({ call, invalidArguments }) =>
      // Kept as the text that it is: whoever runs the call tells the model what is wrong with it.
      invalidArguments === undefined ? call : { ...call, arguments: invalidArguments.slice(0, 2_000) },
    ),
  );
  return {
    ...base,
    type: "assistant_response",
    agent: session.tail.agent,
    content: result.text,
    tool_calls: calls.length > 0 ? calls : undefined,
    usage: withPrice(parts, session.inForce, result),
    message_id: done.messageId,
    through_seq: built.conversation.throughSeq,
    model: result.model,
    provider: result.provider,
    stop_reason: calls.length > 0 ? "tool_calls" : result.stop === "tool_calls" ? "end" : result.stop,
    request_digest: parts.digest(JSON.stringify(built.request)),
    estimated_tokens: built.rawTokens,
    latency_ms: Math.round(result.latencyMs),
    first_token_ms: Math.round(result.firstTokenMs),
    attempts: result.attempts,
    thinking: result.thinking,
    provider_state: result.providerState === undefined ? undefined : jsonOf(result.providerState),
  };
}

/** Cancelled: the partial text stays. Otherwise the call is made again later, and only what it cost is kept. */
function abortedEvents(session: LivingSession, parts: RuntimeParts, base: Base, done: Done): EventDraft[] {
  const { result, built, signal } = done;
  if (result.kind !== "aborted") return [];
  const usage = withPrice(parts, session.inForce, result);
  if (signal.reason === "cancel" || signal.reason === "turn_limit")
    return [
      {
        ...base,
        type: "assistant_response",
        agent: session.tail.agent,
        content: result.partialText,
        usage,
        message_id: done.messageId,
        through_seq: built.conversation.throughSeq,
        model: result.model,
        provider: result.provider,
        stop_reason: "cancelled",
        request_digest: parts.digest(JSON.stringify(built.request)),
        latency_ms: Math.round(result.latencyMs),
        first_token_ms: Math.round(result.firstTokenMs),
        attempts: result.attempts,
        thinking: result.thinking,
      },
    ];
  // What it took counts against the background limit, also where the provider has not said what it costs.
  if (signal.reason !== "background_limit" && !usage) return [];
  return [cutShort(base, { ...result, usage }, String(signal.reason))];
}

const jsonOf = (value: unknown) => JSON.parse(JSON.stringify(value)) as null;

/** Some providers number their calls anew in each answer, or twice the same: a result must find its call. */
function withDistinctIds(calls: readonly ToolCall[]): ToolCall[] {
  const seen = new Set<string>();
  return calls.map((call) => {
    let id = call.call_id === "" ? "call" : call.call_id;
    for (let n = 2; seen.has(id); n += 1) id = `${call.call_id}-${n}`;
    seen.add(id);
    return { ...call, call_id: id };
  });
}

/** Above `compact_at` of the window the engine is asked again: it will want the history summarised first. */
function startsCompaction(session: LivingSession, turn: TurnState, built: BuiltRequest): boolean {
  if (turn.compacted || session.uncompactable === turn.id || session.compactThrough !== null) return false;
  const through = built.conversation.turns.findLast((one) => !one.open)?.endSeq ?? null;
  // Last, because it may count the whole history: without a closed turn there is nothing to summarise.
  if (through === null || contextUse(built) <= session.settings().context.compactAt) return false;
  session.compactThrough = through;
  return true;
}

/** The models to try, in order; those that can not be made are passed over, with a word in the log. */
export async function candidatesFor(
  session: LivingSession,
  inForce: AgentInForce,
  parts: RuntimeParts,
  { request, estimatedTokens }: { request: ModelRequest; estimatedTokens: number },
): Promise<Candidate[]> {
  const candidates: Candidate[] = [];
  let first: unknown = null;
  for (const { choice, settings } of modelChoices(inForce)) {
    try {
      const model = await parts.models.model(choice);
      candidates.push({
        model,
        request: { ...request, settings: { ...settings, ...onlyOutput(request) } },
        retry: retryFor(parts, inForce, choice.provider),
        promptTokens: estimatedTokens,
      });
    } catch (error) {
      if (!(error instanceof DuragentError) && !(error instanceof ModelFailure)) throw error;
      first ??= error;
      parts.log.warn({ session_id: session.id, provider: choice.provider, model: choice.name }, error.message);
    }
  }
  const { turn } = session.tail;
  if (candidates.length === 0 && turn && first instanceof Error)
    session.failure = { turnId: turn.id, code: "provider-error", message: first.message, retryable: false };
  return candidates;
}

/** The gate of one model call; while it waits the session is seen to. */
export function gateOf(
  session: LivingSession,
  inForce: AgentInForce,
  parts: RuntimeParts,
  signal: AbortSignal,
): CallGate {
  return new CallGate(session.limits, {
    session,
    inForce,
    parts,
    signal,
    onWait: ({ forMs, reason }) => {
      session.backingOff = true;
      session.tellActivity({ ...(forMs === null ? {} : { for_ms: Math.round(forMs) }), reason });
    },
  });
}

const onlyOutput = (request: ModelRequest) =>
  request.settings.maxOutputTokens === undefined ? {} : { maxOutputTokens: request.settings.maxOutputTokens };

function observe(parts: RuntimeParts, result: Exclude<ModelCallResult, { kind: "refused" }>): void {
  if (result.kind === "failed") {
    parts.metrics.add("duragent_model_calls_total", {
      provider: result.provider,
      model: result.model,
      outcome: result.code,
    });
    return;
  }
  const labels = { provider: result.provider, model: result.model };
  parts.metrics.add("duragent_model_calls_total", { ...labels, outcome: result.kind });
  parts.metrics.observe("duragent_model_call_seconds", result.latencyMs / 1000, labels);
  if (result.kind === "response")
    parts.metrics.observe("duragent_first_token_seconds", result.firstTokenMs / 1000, labels);
}
