import { isApprover } from "../../domain/gateways/access.ts";
import { answerWord } from "../../domain/gateways/answer-word.ts";
import { DuragentError } from "../../schema/problem.ts";
import { replyTo, type Incoming, type WayIn } from "./incoming.ts";
import type { Admitted } from "./take-message.ts";

/**
 * Where there are no buttons, `yes`, `always` and `no` answer the question that waits in the chat's session, if they come
 * from who may decide it; else they are messages like any other. In a group they must be said to the bot: people say yes
 * to each other, too.
 */
export async function answeredInWords(message: Incoming, admitted: Admitted, way: WayIn): Promise<boolean> {
  const { sessions, chats, host } = way.parts;
  const { content } = message.event;
  const decision = content.type === "text" ? answerWord(content.text) : undefined;
  if (decision === undefined || admitted.admission.kind === "context") return false;
  if (host.status(message.chat.gateway)?.capabilities.includes("inline_keyboard") === true) return false;
  const id = chats.open(message.chat, admitted.agent.name);
  const question = id === undefined ? undefined : (await sessions.get(id)).pendingApprovals[0];
  if (id === undefined || question === undefined) return false;
  try {
    const { notKept } = await sessions.decide(id, {
      callId: question.callId,
      approvalId: question.approvalId,
      decision,
      decidedBy: message.senderId,
      mayDecide: isApprover(admitted.access, message.senderId),
      idempotencyKey: message.key,
    });
    if (notKept !== undefined)
      await way.replies.say(replyTo(message, "not-kept", way.parts.redact(`Allowed once: ${notKept}`)));
    return true;
  } catch (error) {
    // Not theirs to decide, or over meanwhile.
    if (error instanceof DuragentError && ["forbidden", "conflict", "not-found", "session-ended"].includes(error.code))
      return false;
    throw error;
  }
}
