import type { Appended, Lease } from "../../ports/session-store.ts";
import { compactionRequest, isUsableSummary } from "../../domain/prompt/compaction.ts";
import { messagesTokens, textTokens } from "../../domain/prompt/tokens.ts";
import { callModel, type ModelCallResult, type WastedUsage } from "./model-call.ts";
import { buildRequest } from "./model-request.ts";
import type { LivingSession } from "../living-session.ts";
import type { RuntimeParts } from "../parts.ts";
import { candidatesFor, gateOf } from "./perform-model-call.ts";
import { cutShort, wastedEvents, withPrice } from "./usage-events.ts";
import { whileRunning } from "../while-running.ts";

/**
 * Has the model summarise the closed turns up to `throughSeq`. Where that fails the history is cut instead: a turn
 * never fails because of it.
 */
export async function performCompaction(
  session: LivingSession,
  lease: Lease,
  parts: RuntimeParts,
  throughSeq: number,
): Promise<Appended | null> {
  const state = session.log.durable;
  const { turn } = state;
  if (!turn || !session.inForce) return null;
  const { material, conversation } = buildRequest(state, turn, session.log.kept.durable(), session.inForce);
  const turns = conversation.turns.filter((one) => one.endSeq !== null && one.endSeq <= throughSeq);
  const request = compactionRequest({ ...material, turns });
  const giveUp = (why: string): void => {
    session.uncompactable = turn.id;
    session.compactThrough = null;
    parts.log.warn({ session_id: session.id, turn_id: turn.id }, `the history was not summarised: ${why}`);
  };
  const { inForce } = session;
  const estimatedTokens = Math.ceil((textTokens(request.system) + messagesTokens(request.messages)) * material.ratio);
  const candidates = await candidatesFor(session, inForce, parts, { request, estimatedTokens });
  if (candidates.length === 0) {
    giveUp("no model could be made");
    return null;
  }
  return whileRunning(session, lease, parts, { type: "compact" }, async (signal) => {
    using gate = gateOf(session, inForce, parts, signal);
    const { llmTimeoutMs, idleTimeoutMs } = session.settings();
    const limits = { llmTimeoutMs, idleTimeoutMs };
    const nothing = (): void => undefined;
    const result = await callModel({
      candidates,
      limits,
      clock: parts.clock,
      signal,
      gate,
      onTry: () => {
        session.backingOff = false;
        session.tellActivity();
      },
      onText: nothing,
      onThinking: nothing,
      onBackoff: nothing,
      onReset: nothing,
    });
    const base = { timestamp: new Date(parts.clock.now()).toISOString(), turn_id: turn.id };
    session.backingOff = false;
    const isUsable = result.kind === "response" && isUsableSummary(result.text, turns);
    const wasted = wastedEvents(parts, session.inForce, base, unusedUsage(result, isUsable));
    if (result.kind === "response" && isUsable) {
      session.compactThrough = null;
      const usage = withPrice(parts, session.inForce, result);
      return session.log.append(
        [
          ...wasted,
          {
            ...base,
            type: "context_compacted",
            through_seq: throughSeq,
            summary: result.text,
            usage,
            provider: result.provider,
            model: result.model,
          },
        ],
        { lease },
      );
    }
    // Else it would be begun again and again, each time with all of the time that there is.
    if (result.kind === "aborted" && (signal.reason === "background_limit" || signal.reason === "turn_limit"))
      wasted.push(
        cutShort(
          base,
          { provider: result.provider, model: result.model, latencyMs: result.latencyMs },
          String(signal.reason),
        ),
      );
    if (result.kind === "failed" || result.kind === "response")
      giveUp(
        result.kind === "failed" ? result.message : "the model's summary is empty or longer than what it replaces",
      );
    return wasted.length > 0 ? session.log.append(wasted, { lease }) : null;
  });
}

/** What the tries cost that brought no summary, also one that was aborted or of no use. */
function unusedUsage(result: ModelCallResult, isUsable: boolean): WastedUsage[] {
  const ownUsage = result.kind === "aborted" || (result.kind === "response" && !isUsable) ? result.usage : undefined;
  if (!ownUsage) return result.wastedUsage;
  return [...result.wastedUsage, { usage: ownUsage, provider: result.provider, model: result.model }];
}
