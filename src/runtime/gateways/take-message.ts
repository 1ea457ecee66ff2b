import { admit, type Admission } from "../../domain/gateways/access.ts";
import { agentFor } from "../../domain/gateways/route.ts";
import { slashCommandOf, type SlashCommand } from "../../domain/gateways/slash-command.ts";
import { agentAccessSchema, type AgentAccess } from "../../schema/agent-access.ts";
import { DuragentError } from "../../schema/problem.ts";
import type { SessionId } from "../../schema/ids.ts";
import type { LoadedAgent } from "../agents/catalog-types.ts";
import { answeredInWords } from "./answer-in-words.ts";
import { enterSession } from "./enter-session.ts";
import { isToBot, replyTo, type Incoming, type WayIn } from "./incoming.ts";
import { noRoute, notHeard, refusalWords } from "./not-heard.ts";
import { obey } from "./slash-replies.ts";
import { isPassing } from "./until-taken.ts";

const noticeEveryMs = 60_000;

/** What became of a message, as it is counted. */
export type MessageOutcome =
  | "taken"
  | "context"
  | "passive"
  | "silent"
  | "command"
  | "answer"
  | "repeated"
  | "no_route"
  | "no_agent"
  | "refused"
  | "empty"
  | "rate_limited"
  | "unfit"
  | "unsaid";

/** `event`: what records it. `inLog`: an event that is not named does. Else a row does, but for what was recorded before. */
type Placed = { outcome: MessageOutcome; event?: { sessionId: SessionId; seq: number }; inLog?: true };

/** What holds for an agent that says nothing about it. */
export const openAccess: AgentAccess = agentAccessSchema.parse({});

/**
 * dedupe → route → access → slash command → session → queue. When it resolves with anything but `unsaid`, the message is
 * recorded for good. Throws what may pass; being tried again it has one effect.
 */
export async function takeMessage(message: Incoming, way: WayIn): Promise<MessageOutcome> {
  const { seen, clock, log } = way.parts;
  const { chat, key } = message;
  if (await seen.has(chat, key)) return "repeated";
  const { outcome, event, inLog } = await placed(message, way);
  if (outcome === "unsaid") return outcome;
  const row = { key, chat, atMs: clock.now() };
  if (!event) {
    await seen.note([inLog ? row : { ...row, dropped: outcome }]);
    return outcome;
  }
  await seen.note([{ ...row, event }]).catch((error: unknown) => {
    // The log has the key as well: the index is computed from it.
    log.warn({ ...chat, err: error }, "the index of a chat's messages was not written");
  });
  return outcome;
}

async function placed(message: Incoming, way: WayIn): Promise<Placed> {
  const { catalog } = way.parts;
  const name = routed(message, way);
  if (name === undefined) {
    notHeard(message, way, noRoute, { level: "warn" });
    if (isToBot(message))
      way.replies.notice(replyTo(message, "no-route", "No agent is set up for this chat."), {
        key: `no-route ${chatKey(message)}`,
        everyMs: Number.POSITIVE_INFINITY,
      });
    return { outcome: "no_route" };
  }
  const agent = await catalog.get(name);
  if (!agent) {
    const why = `the agent ${name}, which is to answer this chat, is not there or is invalid`;
    notHeard(message, way, why, { agent: name, level: "warn" });
    return { outcome: "no_agent" };
  }
  const access = agent.definition.spec.access ?? openAccess;
  const { chatType, senderId, event } = message;
  const speaker = { chatType, channel: event.routing.channel, chatId: event.routing.chat_id, senderId };
  const admission = admit(access, speaker, message.addressed);
  if (admission.kind === "refused") {
    notHeard(message, way, refusalWords[admission.reason], { agent: name, level: "info" });
    return { outcome: "refused" };
  }
  return admitted(message, { agent, access, admission }, way);
}

export type Admitted = {
  readonly agent: LoadedAgent;
  readonly access: AgentAccess;
  readonly admission: Exclude<Admission, { kind: "refused" }>;
};

async function admitted(message: Incoming, admittedBy: Admitted, way: WayIn): Promise<Placed> {
  const { access, admission, agent } = admittedBy;
  way.names.set(`${message.chat.gateway} ${message.senderId}`, message.senderName);
  const command = commandOf(message, access);
  try {
    if (command && mayUse(command, message, admission)) return await obey(command, message, agent, way);
    if (isEmpty(message)) return { outcome: "empty" };
    if (await answeredInWords(message, admittedBy, way)) return { outcome: "answer", inLog: true };
    return await enterSession(message, admittedBy, way);
  } catch (error) {
    // Tried again for ever it would keep all that comes after it waiting.
    if (isPassing(error) || !(error instanceof DuragentError)) throw error;
    return notTaken(message, error, way);
  }
}

/** It would be refused the same again. */
function notTaken(message: Incoming, error: DuragentError, { replies, parts }: WayIn): Placed {
  const isLimited = error.code === "rate-limited";
  if (!isLimited) parts.log.error({ ...message.chat, code: error.code, err: error }, "a message was not taken in");
  const content = isLimited
    ? "That was too much at once: this message was not taken in. Please wait a minute."
    : `This message could not be taken in (${error.code}). Whoever runs this bot finds out more with \`duragent doctor\`.`;
  const once = { key: `${error.code} ${chatKey(message)}`, everyMs: noticeEveryMs };
  // Also in a direct chat: others stood around it that were taken.
  const reply = { ...replyTo(message, error.code, content), replyTo: message.event.message_id };
  if (isToBot(message)) replies.notice(reply, once);
  return { outcome: isLimited ? "rate_limited" : "unfit" };
}

function routed({ event, chat, senderId }: Incoming, { parts }: WayIn): string | undefined {
  const { routes, defaultAgent } = parts.settings();
  const { chat_type: chatType, chat_id: chatId, sender_id: routedSender } = event.routing;
  const defined = new Set([...parts.catalog.list(), ...parts.catalog.invalid()].map(({ name }) => name));
  return agentFor(
    { gateway: chat.gateway, chatType, chatId, senderId: routedSender === "" ? senderId : routedSender },
    routes,
    { defaultAgent, defined: [...defined] },
  );
}

function commandOf(message: Incoming, { groups }: AgentAccess): SlashCommand | undefined {
  const { content, mentions_bot: mentionsBot } = message.event;
  if (content.type !== "text") return undefined;
  const addressed = message.addressed || groups.activation === "always";
  return slashCommandOf({ text: content.text, isGroup: message.isGroup, mentionsBot, addressed });
}

/** Who only listens, or is only listened to, changes nothing for the others. */
const mayUse = (command: SlashCommand, { isGroup }: Incoming, admission: Admitted["admission"]): boolean =>
  !isGroup || admission.kind === "allow" || (command !== "reset" && command !== "cancel");

const isEmpty = ({ event }: Incoming): boolean =>
  event.content.type === "text" && event.content.text.trim() === "" && (event.attachments ?? []).length === 0;

const chatKey = ({ chat, chatType }: Incoming): string => `${chat.gateway} ${chatType} ${chat.chatId}`;
