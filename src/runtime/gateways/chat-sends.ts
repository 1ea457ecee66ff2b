import type { OpenSend, SessionState } from "../../domain/session/state.ts";
import type { GatewayAnswer } from "../../ports/gateway-host.ts";
import { isAnswered, tooLate } from "../channel-sends.ts";
import type { Attempt, Carrier, Outcome, Tries } from "../outbox.ts";
import type { RuntimeParts } from "../parts.ts";
import { Slots } from "../slots.ts";
import { outgoingRequest, type Edited } from "./outgoing-request.ts";

/** Chats of one gateway that are being told something at the same time: one that hangs holds up no other gateway's. */
const atOnceMax = 16;
const failuresMax = 3;
const retryBaseMs = 1_000;
const rateLimitedMs = 5_000;
/** No platform asks for more; a gateway that does would silence its chat. */
const rateLimitedMsMax = 3_600_000;
/** It is woken when its gateway is there again; this is for a change that nobody told. */
const pollMs = 10_000;
/** A message that has met the end of its gateway's process so often is taken for the cause. */
const endedMax = 10;

type Parts = Pick<RuntimeParts, "gateways" | "store" | "log" | "metrics">;

const groupStart = "gateway ";
/** The group of a gateway's lanes, to be woken when it has changed. */
export const gatewayGroup = (gateway: string): string => `${groupStart}${gateway}`;

/** Carries what is for chats to their gateways; each chat's messages in order, whichever session they are of. */
export function chatSends(parts: Parts): Carrier {
  const slots = new Map<string, Slots>();
  const slotsOf = (gateway: string): Slots => {
    const known = slots.get(gateway) ?? new Slots(atOnceMax);
    slots.set(gateway, known);
    return known;
  };
  return {
    laneOf: (_id, { gateway, chat_id: chatId }) =>
      gateway === undefined || chatId === undefined
        ? null
        : { name: JSON.stringify(["chat", gateway, chatId]), group: gatewayGroup(gateway) },

    isBlocked(group) {
      const gateway = group.slice(groupStart.length);
      // What is for one that nobody configures is settled at once.
      return parts.gateways.status(gateway) !== undefined && !parts.gateways.isReady(gateway);
    },

    async attempt(send, state, tries, signal) {
      const { gateway = "" } = send;
      const attempt = await tryOnce(parts, { send, state, tries, signal }, slotsOf(gateway));
      if (attempt.kind === "again") return attempt;
      parts.metrics.add("duragent_gateway_sends_total", { gateway, status: attempt.outcome.status });
      if (attempt.outcome.status === "sent") return attempt;
      const fields = { session_id: state.sessionId, gateway, request_id: send.request_id };
      parts.log.warn({ ...fields, detail: attempt.outcome.error }, "an outgoing message was given up");
      return attempt;
    },
  };
}

type Going = { send: OpenSend; state: SessionState; tries: Tries; signal: AbortSignal };

async function tryOnce(parts: Parts, { send, state, tries, signal }: Going, slots: Slots): Promise<Attempt> {
  const { gateways, store } = parts;
  const { gateway = "" } = send;
  const status = gateways.status(gateway);
  if (!status) return over(failed(`no gateway ${gateway} is configured; see gateways: in duragent.yaml`));
  if (isAnswered(send, state)) return over(failed(tooLate));
  const edited = send.edits === undefined ? null : await editedBy(send, state, store);
  const outgoing = outgoingRequest(send, { capabilities: status.capabilities, edited });
  if ("error" in outgoing) return over(failed(outgoing.error));
  return attemptOf(await slots.run(() => gateways.ask(gateway, outgoing.request), signal), tries);
}

function attemptOf(answer: GatewayAnswer, tries: Tries): Attempt {
  switch (answer.kind) {
    case "ok":
      return over({ status: "sent", messageId: answer.messageId });
    case "error":
      if (answer.code === "rate_limited")
        return again(Math.min(rateLimitedMsMax, answer.retryAfterMs ?? rateLimitedMs));
      if (answer.code === "not_connected") return cutOff(tries);
      return failedOnce(`${answer.code}: ${answer.detail}`, tries);
    case "unanswered":
      if (answer.why === "timeout") return failedOnce(answer.detail, tries);
      tries.ended += answer.why === "ended" ? 1 : 0;
      return tries.ended >= endedMax ? over(failed(answer.detail)) : again(pollMs);
  }
}

/** Mostly it was one connection that had gone stale, and the platform is there. */
function cutOff(tries: Tries): Attempt {
  tries.cutOff += 1;
  return again(Math.min(pollMs, retryBaseMs * 2 ** (tries.cutOff - 1)));
}

function failedOnce(detail: string, tries: Tries): Attempt {
  tries.failed += 1;
  return tries.failed >= failuresMax ? over(failed(detail)) : again(retryBaseMs * 4 ** (tries.failed - 1));
}

/** Looked up in the log: it may be long ago. */
async function editedBy(
  { edits }: OpenSend,
  { sessionId, sends }: SessionState,
  store: Parts["store"],
): Promise<Edited> {
  if (sessionId === null || sends.some((send) => send.request_id === edits)) return null;
  for await (const event of store.read(sessionId, { backwards: true })) {
    if (!("request_id" in event) || event.request_id !== edits) continue;
    if (event.type === "gateway_send") return null;
    if (event.type === "gateway_delivery") return { status: event.status, messageId: event.message_id };
  }
  return null;
}

const again = (afterMs: number): Attempt => ({ kind: "again", afterMs });
const over = (outcome: Outcome): Attempt => ({ kind: "over", outcome });
const failed = (error: string): Outcome => ({ status: "failed", error });
