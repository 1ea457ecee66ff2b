import { isApprover, queueOf } from "../../domain/gateways/access.ts";
import type { SessionId } from "../../schema/ids.ts";
import { DuragentError, type ProblemCode } from "../../schema/problem.ts";
import type { Sent } from "../runtime.ts";
import type { Incoming, WayIn } from "./incoming.ts";
import type { Admitted, MessageOutcome } from "./take-message.ts";
import { unlessStopped } from "./unless-stopped.ts";

/** Sessions of a chat that may end while one message is on its way. */
const endedMax = 3;
/** Events that can stand between a request to end and a message that did not know of it. */
const slippedMax = 1_000;

type Entered = { outcome: MessageOutcome; event?: { sessionId: SessionId; seq: number }; inLog?: true };

/** Appends the message to the chat's open session, or to a new one. Throws what `Sessions.send` throws. */
export async function enterSession(message: Incoming, admitted: Admitted, way: WayIn): Promise<Entered> {
  const { chats } = way.parts;
  for (let ended = 1; ; ended += 1) {
    const sessionId = await chats.ensure({ ...message.chat, chatType: message.chatType }, admitted.agent.name);
    try {
      const { outcome, sent } = await append(message, admitted, sessionId, way);
      const isOpen = chats.open(message.chat, admitted.agent.name) === sessionId;
      if (!isOpen && ended < endedMax && (await wasOverBefore(sessionId, sent.seq, way))) continue;
      // Where it stands if it had come before is not said: what came after it may not be in the index yet.
      return sent.repeated ? { outcome: "repeated", inLog: true } : { outcome, event: { sessionId, seq: sent.seq } };
    } catch (error) {
      // The platform's message is in there already, as somebody called themselves something else.
      if (hasCode(error, "conflict")) return { outcome: "repeated", inLog: true };
      const isOver = hasCode(error, "session-ended") || hasCode(error, "session-not-found");
      if (!isOver || ended >= endedMax) throw error;
    }
  }
}

/** Whether the end was asked for just before: a message that slipped in behind it is dropped there. */
async function wasOverBefore(id: SessionId, seq: number, { parts }: WayIn): Promise<boolean> {
  const { events } = await parts.sessions.events(id, { after: Math.max(0, seq - slippedMax), limit: slippedMax });
  return events.some((event) => event.seq < seq && event.type === "control_requested" && event.action === "end");
}

type Appended = { outcome: MessageOutcome; sent: Sent };

async function append(message: Incoming, admitted: Admitted, id: SessionId, way: WayIn): Promise<Appended> {
  const { sessions, clock } = way.parts;
  const { admission, access } = admitted;
  const content = await contentOf(message, admitted, id, way);
  const from = { senderId: message.senderId, senderName: message.senderName, idempotencyKey: message.key };
  if (admission.kind !== "allow") {
    const { kind, disposition } = admission;
    const context = kind === "context" ? { context: true } : {};
    const sent = await sessions.sendSilent(id, { content, ...from, disposition, ...context });
    return { outcome: kind === "context" ? "context" : disposition, sent };
  }
  const { mode, debounce } = queueOf(access, message.chatType);
  const waitMs = debounce.enabled ? debounce.window_ms : 0;
  const sent = await sessions.send(id, {
    content,
    ...from,
    source: `gateway:${message.chat.gateway}`,
    delivery: mode === "batch" ? "steer" : "queue",
    mayDecide: isApprover(access, message.senderId),
    gatewayMessageId: message.event.message_id,
    ...(waitMs > 0 ? { notBefore: new Date(clock.now() + waitMs).toISOString() } : {}),
    ...(message.threadId === undefined ? {} : { threadId: message.threadId }),
  });
  return { outcome: "taken", sent };
}

/** Described once for a session, however often the append is tried. */
async function contentOf(message: Incoming, { agent, admission }: Admitted, sessionId: SessionId, way: WayIn) {
  const { sessions, describe } = way.parts;
  if (message.described?.sessionId !== sessionId) {
    const { event, chat } = message;
    // Before anything is fetched for somebody who has sent too much.
    if (event.content.type === "media" || event.attachments) await sessions.checkSender(sessionId, message.senderId);
    // What nobody asked the agent to look at is not kept: a group's pictures would fill the disk.
    const keep = admission.kind === "allow";
    const describing = describe(event, { gateway: chat.gateway, agent: agent.name, sessionId, keep });
    const text = await unlessStopped(describing, way.stopping);
    message.described = { sessionId, text };
  }
  // A silent message is shown with its sender's name already.
  const isNamed = message.isGroup && admission.kind === "allow";
  return isNamed ? `${message.senderName}: ${message.described.text}` : message.described.text;
}

const hasCode = (error: unknown, code: ProblemCode): boolean => error instanceof DuragentError && error.code === code;
