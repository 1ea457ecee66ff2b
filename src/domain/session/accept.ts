import type { ApprovalId, MessageId } from "../../schema/ids.ts";
import type { ProblemCode } from "../../schema/problem.ts";
import type { ApprovalChoice, Delivery, EventDraft } from "../../schema/session-event.ts";
import { pendingCall, type SessionState } from "./state.ts";

type Common = {
  /** RFC 3339, UTC, milliseconds. */
  readonly timestamp: string;
  readonly idempotencyKey?: string | undefined;
};

/** Messages that may wait for a turn in one session, and what their texts may be together, in UTF-16 units. */
const waitingMax = 1_000;
const waitingUnitsMax = 64 * 1024 * 1024;

/** What someone outside wants to enter the log. */
export type SessionCommand =
  | (Common & {
      type: "send_message";
      messageId: MessageId;
      content: string;
      delivery: Delivery;
      senderId?: string | undefined;
      senderName?: string | undefined;
      source: string;
      unattended: boolean;
      mayDecide: boolean;
      notBefore?: string | undefined;
      gatewayMessageId?: string | undefined;
      threadId?: string | undefined;
    })
  | (Common & {
      type: "send_silent_message";
      messageId: MessageId;
      content: string;
      senderId: string;
      senderName?: string | undefined;
      disposition: "passive" | "silent";
      context?: boolean | undefined;
    })
  | (Common & {
      type: "control";
      action: "cancel" | "pause" | "resume" | "end";
      by: string;
      reason?: string | undefined;
      attached: boolean;
    })
  | (Common & {
      type: "decide_approval";
      callId: string;
      approvalId?: string | undefined;
      decision: ApprovalChoice;
      /** What the caller was shown; it must be what is pending. */
      command?: string | undefined;
      decidedBy: string;
      mayDecide: boolean;
      reason?: string | undefined;
      /** Kept by `allow_always`; computed from the pending call, never from the request. */
      pattern?: string | undefined;
    })
  | (Common & {
      type: "record_delivery";
      requestId: string;
      status: "sent" | "failed";
      messageId?: string | undefined;
      error?: string | undefined;
    });

export type Accepted = {
  kind: "accepted";
  event: EventDraft;
  /** `head`: append only where the log ends as this state does, so that the answer is true of the log. */
  condition: "none" | "head";
};
/** It is so already: nothing to append. `seq` is the event that made it so, where one is known. */
export type Settled = { kind: "settled"; seq?: number; approvalId?: ApprovalId };
export type Refused = { kind: "refused"; code: ProblemCode; detail: string };

/** May this input enter the log? A decision is a value; the caller does the writing. */
export function accept(state: SessionState, command: SessionCommand): Accepted | Settled | Refused {
  if (command.type === "control" && command.action === "end" && (state.ended || state.endAsked))
    return { kind: "settled" };
  if (command.type === "record_delivery") return acceptDelivery(state, command);
  if (state.ended || state.endAsked)
    return refused("session-ended", "the session has ended; create a new one, or fork this one");
  switch (command.type) {
    case "send_message":
      if (isCrowded(state))
        return refused("rate-limited", "as many messages wait here as may; send again once a turn has taken them in");
      return always({
        timestamp: command.timestamp,
        type: "user_message",
        message_id: command.messageId,
        content: command.content,
        sender_id: command.senderId,
        sender_name: command.senderName,
        source: command.source,
        delivery: command.delivery,
        unattended: command.unattended || undefined,
        may_decide: command.mayDecide || undefined,
        not_before: command.notBefore,
        gateway_message_id: command.gatewayMessageId,
        thread_id: command.threadId,
        idempotency_key: command.idempotencyKey,
      });
    case "send_silent_message":
      return always({
        timestamp: command.timestamp,
        type: "silent_message",
        message_id: command.messageId,
        content: command.content,
        sender_id: command.senderId,
        sender_name: command.senderName,
        disposition: command.disposition,
        context: command.context || undefined,
        idempotency_key: command.idempotencyKey,
      });
    case "control":
      return acceptControl(state, command);
    case "decide_approval":
      return acceptDecision(state, command);
  }
}

type CommandOf<Type extends SessionCommand["type"]> = Extract<SessionCommand, { type: Type }>;

function acceptControl(state: SessionState, command: CommandOf<"control">): Accepted | Settled | Refused {
  if (command.action === "cancel" && !state.turn)
    return refused("conflict", "no turn is running: there is nothing to cancel");
  if (command.action === "cancel" && state.turn?.cancelAsked) return { kind: "settled" };
  if (command.action === "pause" && state.pauseAsked) return { kind: "settled" };
  const unattended =
    command.action === "resume" && !command.attached && (state.turn !== null || state.waiting.length > 0);
  const nothingHolds = !state.pauseAsked && !state.backgroundSpent && state.status !== "paused";
  if (command.action === "resume" && nothingHolds) return { kind: "settled" };
  return onHead({
    timestamp: command.timestamp,
    type: "control_requested",
    action: command.action,
    by: command.by,
    reason: command.reason,
    unattended: unattended || undefined,
    idempotency_key: command.idempotencyKey,
  });
}

function acceptDecision(state: SessionState, command: CommandOf<"decide_approval">): Accepted | Settled | Refused {
  const before = state.decided.findLast(
    (decided) =>
      decided.callId === command.callId && (!command.approvalId || decided.approvalId === command.approvalId),
  );
  const pending = pendingCall(state);
  const isPending =
    pending?.call.call_id === command.callId &&
    (!command.approvalId || pending.question.approvalId === command.approvalId);
  if (!isPending && command.approvalId) {
    const known = state.decided.find((decided) => decided.approvalId === command.approvalId);
    if (known && known.callId !== command.callId)
      return refused("conflict", `approval ${command.approvalId} belongs to another call`);
    if (pending && pending.question.approvalId === command.approvalId)
      return refused("conflict", `approval ${command.approvalId} belongs to another call`);
  }
  if (!isPending) {
    if (!before) return refused("not-found", "no pending approval for this session");
    if (before.decision !== command.decision)
      return refused("conflict", `this approval was already decided: ${before.decision}`);
    return { kind: "settled", seq: before.seq, approvalId: before.approvalId };
  }
  if (command.command !== undefined && command.command !== pending.question.command)
    return refused("conflict", "the command that was shown differs from the one that waits: read the session again");
  const { expiresAt } = pending.question;
  // The runner has only not recorded it yet: no answer in time means no.
  if (command.decision !== "deny" && expiresAt !== null && expiresAt <= Date.parse(command.timestamp))
    return refused("conflict", "this approval has expired");
  const { requesterId } = pending.question;
  // Who asked is not known where several people did: then everybody in the chat may say no.
  const isOwn =
    requesterId === undefined ? command.decision === "deny" && state.gateway : command.decidedBy === requesterId;
  if (!command.mayDecide && !isOwn)
    return refused("forbidden", "only who asked for it, or an approver, may decide this approval");
  return onHead({
    timestamp: command.timestamp,
    type: "approval_decision",
    turn_id: state.turn?.id,
    approval_id: pending.question.approvalId,
    call_id: command.callId,
    decision: command.decision,
    decided_by: command.decidedBy,
    reason: command.reason,
    pattern: command.decision === "allow_always" ? command.pattern : undefined,
    idempotency_key: command.idempotencyKey,
  });
}

function acceptDelivery(state: SessionState, command: CommandOf<"record_delivery">): Accepted | Settled | Refused {
  if (state.ended) return refused("session-ended", "the session has ended");
  if (!state.sends.some((send) => send.request_id === command.requestId)) return { kind: "settled" };
  return always({
    timestamp: command.timestamp,
    type: "gateway_delivery",
    request_id: command.requestId,
    status: command.status,
    message_id: command.messageId,
    error: command.error,
  });
}

const isCrowded = ({ waiting }: SessionState): boolean =>
  waiting.length >= waitingMax || waiting.reduce((sum, message) => sum + message.textUnits, 0) > waitingUnitsMax;

const always = (event: EventDraft): Accepted => ({ kind: "accepted", event, condition: "none" });
const onHead = (event: EventDraft): Accepted => ({ kind: "accepted", event, condition: "head" });
const refused = (code: ProblemCode, detail: string): Refused => ({ kind: "refused", code, detail });
