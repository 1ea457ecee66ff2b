import type { Appended, Lease } from "../ports/session-store.ts";
import type { ToolSession } from "../ports/tool.ts";
import type { SendTarget } from "../domain/session/step.ts";
import { DuragentError } from "../schema/problem.ts";
import type { EventDraft } from "../schema/session-event.ts";
import type { LivingSession } from "./living-session.ts";
import type { RuntimeParts } from "./parts.ts";
import { targetOfChannel } from "./send-target.ts";

const keyDigits = 24;
/** Messages of one session that wait to be delivered: a channel that is down for long must not fill the log's state. */
const openSendsMax = 100;

type Call = { callId: string; turnId: EventDraft["turn_id"] };

/** What one call may write into its session's log: under the runner's lease, each thing once, durable when it resolves. */
export function toolSession(
  session: LivingSession,
  lease: Lease,
  parts: RuntimeParts,
  { callId, turnId }: Call,
): ToolSession {
  const append = async (decide: () => EventDraft[]): Promise<void> => {
    const appended = await session.log.appendLocked(decide, lease);
    if (appended.kind !== "appended") throw notWritten(appended);
    await appended.durable;
  };
  const base = () => ({ timestamp: new Date(parts.clock.now()).toISOString(), turn_id: turnId });

  return {
    processStarted: ({ handle, pid, startedAt }) =>
      append(() => {
        const isKnown = session.log.history.some(
          (event) => event.type === "process_started" && event.handle === handle,
        );
        return isKnown
          ? []
          : [{ ...base(), type: "process_started", handle, call_id: callId, pid, started_at: startedAt }];
      }),

    async notify({ content, channel, idempotencyKey }) {
      const target = targetOf(session, parts, channel);
      const requestId = `${session.id}.notify.${parts.digest(idempotencyKey).slice(0, keyDigits)}`;
      await append(() => {
        const isSent = session.log.history.some(
          (event) => event.type === "gateway_send" && event.request_id === requestId,
        );
        if (isSent) return [];
        if (session.tail.sends.length >= openSendsMax)
          throw new DuragentError(
            "bad-request",
            `${openSendsMax} messages of this session wait to be delivered already; go on without`,
          );
        return [{ ...base(), type: "gateway_send", request_id: requestId, kind: "notice", ...target.address, content }];
      });
      return { to: target.name };
    },
  };
}

type Target = { name: string; address: SendTarget & { thread_id?: string | undefined } };

function targetOf(session: LivingSession, parts: RuntimeParts, named: string | undefined): Target {
  const { notify } = parts.settings();
  const { gateway, turn } = session.tail;
  if (named === undefined && gateway)
    return {
      name: "this chat",
      address: { gateway: gateway.name, chat_id: gateway.chatId, thread_id: turn?.answers?.threadId },
    };
  const channel = named ?? notify.default;
  if (channel === null)
    throw new DuragentError(
      "bad-request",
      "there is nobody to notify: duragent.yaml has no notify.default, and this session belongs to no chat",
    );
  const address = targetOfChannel(notify, channel);
  if (address) return { name: `channel ${channel}`, address };
  const known = Object.keys(notify.channels).join(", ") || "none";
  throw new DuragentError("bad-request", `there is no channel ${channel}; the channels are: ${known}`);
}

function notWritten(appended: Exclude<Appended, { kind: "appended" }>): DuragentError {
  if (appended.kind === "unavailable") return appended.error;
  if (appended.kind === "ended") return new DuragentError("session-ended", "the session has ended");
  return new DuragentError("overloaded", "another worker has taken this session");
}
