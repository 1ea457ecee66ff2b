import type { Appended } from "../ports/session-store.ts";
import { accept, type Accepted, type Refused, type SessionCommand, type Settled } from "../domain/session/accept.ts";
import type { MessageId, SessionId } from "../schema/ids.ts";
import { DuragentError } from "../schema/problem.ts";
import type { EventDraft, SessionEvent } from "../schema/session-event.ts";
import { resolveAgent } from "./agent-in-force.ts";
import { alwaysAllowed } from "./always-allow.ts";
import type { LivingSession } from "./living-session.ts";
import type { Decide, SendMessage, SendSilent, Sent, Sessions, SessionView } from "./runtime.ts";
import type { SessionRegistry } from "./session-registry.ts";

const conflictsMax = 3;

export type Entered =
  | { kind: "appended"; event: SessionEvent }
  | { kind: "duplicate"; event: SessionEvent }
  | { kind: "settled"; settled: Settled };

type EnterOptions = {
  /** Why it may not enter, unless it has before. */
  unfit?: DuragentError | null;
  /** Somebody wants the session to go on, however often it has killed its process. */
  insists?: boolean;
};

/**
 * The one way in for everything that comes from outside: accepted by the engine, appended, and durable when this
 * resolves. Throws what the engine refuses as a DuragentError.
 */
export async function enter(
  registry: SessionRegistry,
  session: LivingSession,
  command: SessionCommand,
  { unfit = null, insists = false }: EnterOptions = {},
): Promise<Entered> {
  // That something went out is known already: unrecorded, it would be sent again.
  if (registry.draining && command.type !== "record_delivery")
    throw new DuragentError("shutting-down", "the server is shutting down; try again", { retryAfterMs: 1_000 });
  const { problem } = session.log;
  if (problem?.code === "repeated-crash" && !insists) throw new DuragentError(problem.code, problem.detail);
  const goOn = (): void => {
    if (insists) insist(session);
    registry.kick(session);
  };
  for (let conflicts = 0; ; conflicts += 1) {
    const accepted = accept(session.tail, command);
    if (unfit || accepted.kind === "refused") {
      const before = await enteredBefore(session, command);
      if (before) {
        goOn();
        return before;
      }
    }
    if (unfit) throw unfit;
    if (accepted.kind === "refused") throw refusal(accepted);
    if (accepted.kind === "settled") {
      goOn();
      await session.log.whenDurable(session.tail.seq);
      return { kind: "settled", settled: accepted };
    }
    const appended =
      conflicts < conflictsMax
        ? await session.log.append([accepted.event], conditions(session, command, accepted))
        : await enterInQueue(session, command);
    if (appended.kind === "conflict") continue;
    const first = appendedEvent(appended);
    if (appended.kind === "duplicate") {
      await appended.durable;
      const event = sameInput(appended.event, accepted.event, session);
      goOn();
      return { kind: "duplicate", event };
    }
    if (first) goOn();
    if (appended.kind === "appended") await appended.durable;
    if (first) return { kind: "appended", event: first };
    // Decided in the queue that there is nothing to append, or that it may not enter: ask once more, and answer that.
  }
}

function insist(session: LivingSession): void {
  session.forced = true;
  if (session.log.problem?.code === "repeated-crash") session.log.problem = undefined;
}

/** What is refused now may have been accepted earlier: a key that was seen answers as it did then. */
async function enteredBefore(session: LivingSession, command: SessionCommand): Promise<Entered | null> {
  if (command.idempotencyKey === undefined) return null;
  // No log ends there, so that nothing but a key that was seen is found.
  const appended = await session.log.append([], { expectedHead: -1, idempotencyKey: command.idempotencyKey });
  if (appended.kind !== "duplicate") return null;
  await appended.durable;
  const then = accept({ ...session.tail, ended: false, endAsked: null }, command);
  if (then.kind === "refused") return null;
  if (then.kind === "settled") return { kind: "settled", settled: then };
  return { kind: "duplicate", event: sameInput(appended.event, then.event, session) };
}

function conditions(session: LivingSession, command: SessionCommand, accepted: Accepted) {
  return {
    ...(accepted.condition === "head" ? { expectedHead: session.tail.seq } : {}),
    ...(command.idempotencyKey === undefined ? {} : { idempotencyKey: command.idempotencyKey }),
  };
}

const enterInQueue = (session: LivingSession, command: SessionCommand): Promise<Appended> =>
  session.log.appendLocked((tail) => {
    const accepted = accept(tail, command);
    return accepted.kind === "accepted" ? [accepted.event] : [];
  });

function appendedEvent(appended: Appended): SessionEvent | undefined {
  switch (appended.kind) {
    case "appended":
      return appended.events[0];
    case "ended":
      throw new DuragentError("session-ended", "the session has ended; create a new one, or fork this one");
    case "unavailable":
      throw appended.error;
    case "fenced":
      throw new DuragentError("overloaded", "another worker has taken this session; try again", {
        retryAfterMs: 1_000,
      });
    default:
      return undefined;
  }
}

/** The first event with this key answers, if it said the same. */
function sameInput(event: SessionEvent, draft: EventDraft, session: LivingSession): SessionEvent {
  const said = (one: object): unknown[] =>
    ["type", "content", "delivery", "sender_id", "action", "call_id", "decision"].map((key): unknown =>
      Reflect.get(one, key),
    );
  const repeated = JSON.stringify(said(event)) === JSON.stringify(said(session.redacted(draft)));
  if (!repeated) throw new DuragentError("conflict", "this idempotency key was used before, with another content");
  return event;
}

const refusal = (refused: Refused): DuragentError => new DuragentError(refused.code, refused.detail);

export function sessionCommands(
  registry: SessionRegistry,
  view: (session: LivingSession) => SessionView,
): Pick<Sessions, "send" | "sendSilent" | "decide" | "control"> {
  const { clock } = registry.parts;
  const timestamp = (): string => new Date(clock.now()).toISOString();

  return {
    send: (id: SessionId, message: SendMessage): Promise<Sent> =>
      registry.with(id, async (session) => {
        // It may have been put right since it was looked for last.
        if (!session.inForce && !session.runner) await resolveAgent(session, registry.parts);
        const messageId = `msg_${clock.ulid()}` as MessageId;
        if (message.traceId) session.traces.set(messageId, message.traceId);
        const command = {
          type: "send_message" as const,
          timestamp: timestamp(),
          messageId,
          content: message.content,
          delivery: message.delivery ?? "steer",
          senderId: message.senderId,
          senderName: message.senderName,
          source: message.source,
          unattended: message.unattended === true,
          mayDecide: message.mayDecide === true,
          notBefore: message.notBefore,
          gatewayMessageId: message.gatewayMessageId,
          threadId: message.threadId,
          idempotencyKey: message.idempotencyKey,
        };
        const sender = await registry.limits.inbound.admitSender(session, message.senderId);
        const unfit = agentMissing(session) ?? sender.refusal;
        const entered = await enter(registry, session, command, { unfit, insists: true }).finally(() =>
          forgetTraces(session, messageId),
        );
        // What had come before was counted then.
        if (entered.kind !== "appended") sender.giveBack();
        if (entered.kind === "settled" || entered.event.type !== "user_message")
          throw new DuragentError(
            "conflict",
            "this idempotency key was used before, for something that is not a message",
          );
        const { message_id, seq } = entered.event;
        return { messageId: message_id, seq, repeated: entered.kind === "duplicate" };
      }),

    sendSilent: (id: SessionId, message: SendSilent): Promise<Sent> =>
      registry.with(id, async (session) => {
        const sender = await registry.limits.inbound.admitSender(session, message.senderId);
        const command = {
          type: "send_silent_message" as const,
          timestamp: timestamp(),
          messageId: `msg_${clock.ulid()}` as MessageId,
          ...message,
        };
        const entered = await enter(registry, session, command, { unfit: sender.refusal });
        if (entered.kind !== "appended") sender.giveBack();
        if (entered.kind === "settled" || entered.event.type !== "silent_message")
          throw new DuragentError("conflict", "this idempotency key was used before, for something else");
        return {
          messageId: entered.event.message_id,
          seq: entered.event.seq,
          repeated: entered.kind === "duplicate",
        };
      }),

    decide: (id: SessionId, decision: Decide) =>
      registry.with(id, async (session) => {
        const always = decision.decision === "allow_always" ? await alwaysAllowed(session, registry.parts) : undefined;
        const command = {
          type: "decide_approval" as const,
          timestamp: timestamp(),
          callId: decision.callId,
          approvalId: decision.approvalId,
          decision: decision.decision,
          command: decision.command,
          decidedBy: decision.decidedBy,
          mayDecide: decision.mayDecide ?? true,
          reason: decision.reason,
          pattern: always?.pattern,
          idempotencyKey: decision.idempotencyKey,
        };
        const entered = await enter(registry, session, command, { insists: true });
        if (entered.kind === "settled") return { repeated: true, approvalId: entered.settled.approvalId ?? "" };
        if (entered.event.type !== "approval_decision")
          throw new DuragentError("conflict", "this idempotency key was used before, for something else");
        const notKept = entered.kind === "appended" ? await kept(session, always?.keep, registry) : undefined;
        return {
          repeated: entered.kind === "duplicate",
          approvalId: entered.event.approval_id,
          ...(notKept === undefined ? {} : { notKept }),
        };
      }),

    control: (id, command) =>
      registry.with(id, async (session) => {
        const insists = command.action === "end";
        await enter(registry, session, { type: "control", timestamp: timestamp(), ...command }, { insists });
        await registry.settled(session);
        return view(session);
      }),
  };
}

function agentMissing(session: LivingSession): DuragentError | null {
  if (session.inForce || session.tail.turn) return null;
  return new DuragentError("agent-not-found", session.agentMissing ?? `there is no agent ${session.tail.agent}`);
}

/** A trace is of use until a turn has taken its message in; those of messages on their way here are left alone. */
function forgetTraces({ traces, tail, holds }: LivingSession, entered: MessageId): void {
  if (traces.size === 0) return;
  const waiting = new Set(tail.waiting.map((message) => message.messageId));
  const isFull = traces.size > waiting.size + holds;
  for (const messageId of isFull ? [...traces.keys()] : [entered])
    if (!waiting.has(messageId)) traces.delete(messageId);
}

/** Why *always allow* holds for this once only. The decision stands: it is in the log. */
async function kept(
  session: LivingSession,
  keep: (() => Promise<void>) | undefined,
  { parts }: SessionRegistry,
): Promise<string | undefined> {
  try {
    await keep?.();
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    // What was asked for can not be kept: an answer for who asked, and no failure.
    const isExpected = error instanceof DuragentError && error.code === "conflict";
    const fields = { session_id: session.id, ...(isExpected ? { reason } : { err: error }) };
    parts.log[isExpected ? "info" : "error"](fields, "an approval was not kept for later");
    return reason;
  }
}
