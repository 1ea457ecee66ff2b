import { approvalButton } from "../domain/gateways/approval-button.ts";
import { promptText } from "../domain/session/approval-prompt.ts";
import { promptIdOf } from "../domain/session/chat-sends.ts";
import type { SessionState } from "../domain/session/state.ts";
import type { SendTarget, Step } from "../domain/session/step.ts";
import type { ApprovalId, TurnId } from "../schema/ids.ts";
import type { ApprovalChoice, EventDraft } from "../schema/session-event.ts";
import { chatOf } from "./send-target.ts";

type Base = { timestamp: string; turn_id: TurnId | undefined };
/** `digest`: SHA-256 of a text, 64 hex digits. */
type Asking = { approvalId: ApprovalId; digest: (text: string) => string };
type Question = Extract<Step, { type: "request_approval" }>;

/** The question, and before it what asks or announces it: a write that is cut asks and tells again. */
export function questionEvents(state: SessionState, step: Question, base: Base, asking: Asking): EventDraft[] {
  const { call } = step.call;
  const question: EventDraft = {
    ...base,
    type: "approval_required",
    approval_id: asking.approvalId,
    call_id: call.call_id,
    tool_name: call.tool_name,
    command: step.command,
    requester_id: step.requesterId,
    ...(step.fingerprint === undefined ? {} : { fingerprint: step.fingerprint }),
    expires_at: expiryOf(step),
  };
  if (step.prompt) return [promptEvent(state, step, step.prompt, base, asking), question];
  if (step.announceTo === null) return [question];
  return [announcement(state, step, step.announceTo, base, asking), question];
}

const nobodysOwn =
  "Only an approver can allow it: several people asked at once, or nobody did. Anyone may deny it, or ask again alone.";

const expiryOf = ({ expiresAt }: Question): string | undefined =>
  expiresAt === null ? undefined : new Date(expiresAt).toISOString();

/** Asks in the session's chat, with a button for each answer. */
function promptEvent(
  state: SessionState,
  step: Question,
  { always, replyTo, threadId }: NonNullable<Question["prompt"]>,
  base: Base,
  { approvalId, digest }: Asking,
): EventDraft {
  const button = (text: string, choice: ApprovalChoice) => ({
    text,
    callback_data: approvalButton(choice, approvalId, digest),
  });
  const row = [
    button("Allow once", "allow_once"),
    ...(always ? [button("Always allow", "allow_always")] : []),
    button("Deny", "deny"),
  ];
  return {
    ...base,
    type: "gateway_send",
    request_id: promptIdOf(state, approvalId),
    kind: "approval",
    ...chatOf(state),
    content: step.requesterId === undefined ? `${promptOf(step, base)}\n\n${nobodysOwn}` : promptOf(step, base),
    reply_to: replyTo,
    thread_id: threadId,
    inline_keyboard: { rows: [row] },
  };
}

/** Tells somebody elsewhere, because nobody is here to see the question: how to answer it, and no buttons. */
function announcement(
  state: SessionState,
  step: Question,
  target: SendTarget,
  base: Base,
  { approvalId }: Asking,
): EventDraft {
  const { sessionId, agent } = state;
  const waits = `${agent} waits for an approval in ${sessionId}.`;
  const answer = `Answer it with: duragent attach ${sessionId}`;
  const expiresAt = expiryOf(step);
  const lines = [
    waits,
    `${step.call.call.tool_name} wants to run: ${step.command}`,
    answer,
    ...(expiresAt === undefined ? [] : [`Without an answer it is denied at ${expiresAt}.`]),
  ];
  return {
    ...base,
    type: "gateway_send",
    request_id: promptIdOf(state, approvalId),
    kind: "approval",
    ...target,
    content: "channel" in target ? lines.join("\n") : [waits, promptOf(step, base), answer].join("\n\n"),
  };
}

/** In Markdown. */
const promptOf = ({ call, command, expiresAt }: Question, { timestamp }: Base): string =>
  promptText(call.call.tool_name, command, expiresAt === null ? null : expiresAt - Date.parse(timestamp));
