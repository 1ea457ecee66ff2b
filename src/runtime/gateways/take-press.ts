import { admit, isApprover } from "../../domain/gateways/access.ts";
import { approvalTag, parseApprovalButton } from "../../domain/gateways/approval-button.ts";
import type { ChatType } from "../../domain/gateways/chat-type.ts";
import { pressKey } from "../../domain/gateways/message-key.ts";
import { terminalLine } from "../../domain/terminal-text.ts";
import type { Chat } from "../../ports/chat-index.ts";
import type { AgentAccess } from "../../schema/agent-access.ts";
import type { SessionId } from "../../schema/ids.ts";
import { DuragentError } from "../../schema/problem.ts";
import type { ApprovalChoice } from "../../schema/session-event.ts";
import type { PendingApproval } from "../runtime.ts";
import type { WayIn } from "./incoming.ts";
import type { PressEvent } from "./router-parts.ts";
import { openAccess } from "./take-message.ts";
import { isPassing } from "./until-taken.ts";

/** What Telegram shows at most, in UTF-16 units. */
const answerUnitsMax = 200;
const noLongerWaits = "This question no longer waits.";
const alreadyDecided = "Already decided.";

/** What became of a press of a button, as it is counted. */
export type PressOutcome = "decided" | "repeated" | "stale" | "forbidden" | "refused" | "other" | "unfit";

export type Press = { readonly event: PressEvent; readonly chat: Chat; readonly key: string };

export const pressOf = (gateway: string, event: PressEvent, digest: (text: string) => string): Press => ({
  event,
  chat: { gateway, chatId: event.chat_id },
  key: pressKey({ gateway, chatId: event.chat_id, callbackQueryId: event.callback_query_id }, digest),
});

/** Decides what the button is about, durably, and answers the press. Throws what may pass. */
export async function takePress(press: Press, way: WayIn): Promise<PressOutcome> {
  const { outcome, text } = await decided(press, way).catch((error: unknown) => unfit(error, press, way));
  const { callback_query_id: id } = press.event;
  const shown = text === undefined ? {} : { text: terminalLine(way.parts.redact(text), answerUnitsMax) };
  await way.replies.answerPress(press.chat.gateway, {
    type: "answer_callback_query",
    request_id: `${press.key}.answer`,
    callback_query_id: id,
    ...shown,
  });
  return outcome;
}

/** It would fail the same again; redelivered for ever it would keep all that comes after it waiting. */
function unfit(error: unknown, { chat }: Press, { parts }: WayIn): Decided {
  if (isPassing(error) || !(error instanceof DuragentError)) throw error;
  parts.log.error({ ...chat, code: error.code, err: error }, "a press of a button came to nothing");
  return { outcome: "unfit", text: `That did not work (${error.code}).` };
}

type Decided = { outcome: PressOutcome; text?: string };
type Question = {
  readonly sessionId: SessionId;
  readonly agent: string;
  readonly pending: PendingApproval;
  readonly tag: string;
};

async function decided(press: Press, way: WayIn): Promise<Decided> {
  const { seen } = way.parts;
  const said = parseApprovalButton(press.event.data);
  if (!said) return { outcome: "other" };
  if (await seen.has(press.chat, press.key)) return { outcome: "repeated", text: alreadyDecided };
  const question = await questionOf(press.chat, said.tag, way);
  if (!question) {
    const isDecided = said.tag !== undefined && way.decided.get(tagKey(press.chat, said.tag)) === true;
    return { outcome: "stale", text: isDecided ? alreadyDecided : noLongerWaits };
  }
  const access = await accessFor(press, question, way);
  // Who is not to be answered is told nothing.
  return access ? decide(press, said.choice, question, access, way) : { outcome: "refused" };
}

/** Among the open sessions of the chat that the button was pressed in; without a tag only if no other question waits there. */
async function questionOf(chat: Chat, tag: string | undefined, { parts }: WayIn): Promise<Question | undefined> {
  const found: Question[] = [];
  for (const sessionId of parts.chats.sessionsOf(chat)) {
    const { agent, pendingApprovals } = await parts.sessions.get(sessionId);
    for (const pending of pendingApprovals)
      found.push({ sessionId, agent, pending, tag: approvalTag(pending.approvalId, parts.digest) });
  }
  if (tag !== undefined) return found.find((question) => question.tag === tag);
  return found.length === 1 ? found[0] : undefined;
}

/** The rules of the question's agent, if they let this person take part. */
async function accessFor(
  press: Press,
  { agent, sessionId }: Question,
  { parts }: WayIn,
): Promise<AgentAccess | undefined> {
  const loaded = await parts.catalog.get(agent);
  if (!loaded) return undefined;
  const access = loaded.definition.spec.access ?? openAccess;
  const speaker = {
    chatType: await chatTypeOf(sessionId, parts),
    chatId: press.chat.chatId,
    senderId: press.event.sender.id,
  };
  return admit(access, speaker, true).kind === "refused" ? undefined : access;
}

/** A press does not say what kind of chat it is in; the session does. */
async function chatTypeOf(sessionId: SessionId, { sessions }: WayIn["parts"]): Promise<ChatType> {
  const { events } = await sessions.events(sessionId, { after: 0, limit: 1 });
  const [start] = events;
  return start?.type === "session_start" && start.gateway_chat_type === "dm" ? "dm" : "group";
}

async function decide(
  press: Press,
  decision: ApprovalChoice,
  { sessionId, pending, tag }: Question,
  access: AgentAccess,
  way: WayIn,
): Promise<Decided> {
  const { sessions, seen, clock, log } = way.parts;
  const { chat, key } = press;
  const decidedBy = press.event.sender.id;
  try {
    const { repeated, notKept } = await sessions.decide(sessionId, {
      callId: pending.callId,
      approvalId: pending.approvalId,
      decision,
      decidedBy,
      mayDecide: isApprover(access, decidedBy),
      idempotencyKey: key,
    });
    way.decided.set(tagKey(chat, tag), true);
    await seen.note([{ key, chat, atMs: clock.now() }]).catch((error: unknown) => {
      // The log has the key as well.
      log.warn({ ...chat, err: error }, "the index of a chat's messages was not written");
    });
    return repeated
      ? { outcome: "repeated", text: alreadyDecided }
      : { outcome: "decided", text: told(decision, pending, notKept) };
  } catch (error) {
    if (!(error instanceof DuragentError)) throw error;
    if (error.code === "forbidden") return { outcome: "forbidden", text: forbiddenText(pending, access, chat, way) };
    if (error.code === "conflict" || error.code === "not-found" || error.code === "session-ended")
      return { outcome: "stale", text: noLongerWaits };
    throw error;
  }
}

function told(decision: ApprovalChoice, { always }: PendingApproval, notKept: string | undefined): string {
  if (decision === "deny") return "Denied.";
  if (decision === "allow_once") return "Allowed once.";
  if (notKept !== undefined) return `Allowed once: ${notKept}`;
  return always?.length ? `Always allowed: ${always.join(", ")}` : "Always allowed.";
}

function forbiddenText(
  { requesterId }: PendingApproval,
  { approvers }: AgentAccess,
  { gateway }: Chat,
  { names }: WayIn,
): string {
  if (requesterId === undefined)
    return "Only an approver may allow this: several people asked at once. Deny it, or ask again alone.";
  const requester = names.get(`${gateway} ${requesterId}`) ?? "who asked for it";
  return `Only ${approvers.length === 0 ? requester : `${requester}, or an approver,`} may decide this.`;
}

const tagKey = ({ gateway, chatId }: Chat, tag: string): string => JSON.stringify([gateway, chatId, tag]);
