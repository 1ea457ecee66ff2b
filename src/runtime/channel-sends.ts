import type { Notification } from "../ports/notifier.ts";
import { pendingCall, type OpenSend, type SessionState } from "../domain/session/state.ts";
import type { SessionId } from "../schema/ids.ts";
import { DuragentError } from "../schema/problem.ts";
import type { LivingSession } from "./living-session.ts";
import { enter } from "./session-commands.ts";
import type { SessionRegistry } from "./session-registry.ts";

/** Messages on their way to webhooks at the same time, of all sessions. */
const atOnceMax = 16;
const retryBaseMs = 1_000;
const retryMaxMs = 60_000;
const giveUpAfterMs = 24 * 3_600_000;

type Outcome = { status: "sent" } | { status: "failed"; error: string };

/**
 * Delivers what sessions have in their outbox for channels of `notify:`: the oldest first, per session and channel,
 * until the log has a `gateway_delivery` for each. No turn waits for it, and a restart begins with what is still open.
 */
export class ChannelSends {
  private readonly registry: SessionRegistry;
  private readonly stopping = new AbortController();
  private readonly going = new Map<string, Promise<void>>();
  private slotsFree = atOnceMax;
  private readonly slotWaits: (() => void)[] = [];

  constructor(registry: SessionRegistry) {
    this.registry = registry;
  }

  /** Starts what has to go out and is not on its way; cheap where there is nothing. */
  look(session: LivingSession): void {
    if (session.log.durable.sends.length === 0 || this.stopping.signal.aborted || session.log.problem) return;
    for (const { channel } of session.log.durable.sends) {
      if (channel === undefined) continue;
      const key = keyOf(session.id, channel);
      if (!this.going.has(key)) this.going.set(key, this.deliverAll(session.id, channel));
    }
  }

  /** What is being sent is broken off, and sent again after the next start. */
  async stop(): Promise<void> {
    this.stopping.abort();
    for (const wake of this.slotWaits.splice(0)) wake();
    await Promise.all(this.going.values());
  }

  private async deliverAll(id: SessionId, channel: string): Promise<void> {
    const { log, clock } = this.registry.parts;
    const { signal } = this.stopping;
    for (let failures = 0; !signal.aborted;) {
      try {
        const next = await this.oldest(id, channel);
        if (!next) return;
        const outcome = await this.tryOnce(channel, next);
        if (outcome) {
          await this.record(id, next.send, outcome);
          failures = 0;
          continue;
        }
      } catch (error) {
        if (signal.aborted) break;
        if (error instanceof DuragentError && (error.code === "session-not-found" || error.code === "session-ended"))
          break;
        log.warn({ session_id: id, channel, err: error }, "an outgoing message could not be recorded");
      }
      failures += 1;
      const delayMs = Math.min(retryMaxMs, retryBaseMs * 2 ** (failures - 1)) * (0.5 + clock.random() / 2);
      await clock.sleep(delayMs, signal).catch(() => undefined);
    }
    this.going.delete(keyOf(id, channel));
  }

  /** Nothing left: no await lies between that and the loop's removal, so that what comes after it starts a new one. */
  private oldest(id: SessionId, channel: string): Promise<{ send: OpenSend; state: SessionState } | null> {
    return this.registry.with(id, async ({ log }) => {
      const send = log.durable.sends.find((open) => open.channel === channel);
      if (send) return { send, state: log.durable };
      this.going.delete(keyOf(id, channel));
      return null;
    });
  }

  /** `null`: to be tried again. */
  private async tryOnce(
    channel: string,
    { send, state }: { send: OpenSend; state: SessionState },
  ): Promise<Outcome | null> {
    const { log, notifier, clock } = this.registry.parts;
    const notification = notificationOf(send, state);
    if (!notification) return { status: "failed", error: "the question was answered before it could be announced" };
    const result = await this.inSlot(() => notifier.notify(channel, notification, this.stopping.signal));
    if (result.kind === "sent") return { status: "sent" };
    const isOver = result.kind === "refused" || clock.now() - Date.parse(send.timestamp) >= giveUpAfterMs;
    const fields = { session_id: state.sessionId, channel, request_id: send.request_id, detail: result.detail };
    if (!isOver) {
      log.debug(fields, "an outgoing message was not delivered; it is tried again");
      return null;
    }
    log.warn(fields, "an outgoing message was given up");
    return { status: "failed", error: result.detail };
  }

  private record(id: SessionId, { request_id: requestId }: OpenSend, outcome: Outcome): Promise<unknown> {
    const timestamp = new Date(this.registry.parts.clock.now()).toISOString();
    return this.registry.with(id, (session) =>
      enter(this.registry, session, { type: "record_delivery", timestamp, requestId, ...outcome }),
    );
  }

  private async inSlot<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.slotsFree === 0) await new Promise<void>((resolve) => this.slotWaits.push(resolve));
    else this.slotsFree -= 1;
    try {
      this.stopping.signal.throwIfAborted();
      return await work();
    } finally {
      const next = this.slotWaits.shift();
      if (next) next();
      else this.slotsFree += 1;
    }
  }
}

const keyOf = (id: SessionId, channel: string): string => `${id} ${channel}`;

/** `null`: it announces a question that does not wait any more. */
function notificationOf(send: OpenSend, state: SessionState): Notification | null {
  const { sessionId, agent } = state;
  if (sessionId === null) return null;
  const notification = {
    requestId: send.request_id,
    sessionId,
    agent,
    kind: send.kind,
    content: send.content,
    createdAt: send.timestamp,
  };
  if (send.kind !== "approval") return notification;
  const pending = pendingCall(state);
  if (!pending || !send.request_id.endsWith(pending.question.approvalId)) return null;
  const { question, call } = pending;
  return {
    ...notification,
    approval: {
      approvalId: question.approvalId,
      callId: call.call_id,
      toolName: call.tool_name,
      command: question.command,
      ...(question.expiresAt === null ? {} : { expiresAt: new Date(question.expiresAt).toISOString() }),
    },
  };
}
