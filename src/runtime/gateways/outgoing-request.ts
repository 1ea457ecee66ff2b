import type { OpenSend } from "../../domain/session/state.ts";
import type { GatewayRequest } from "../../ports/gateway-host.ts";

/** What became of the message that an `edit` replaces; `null`: it is not known to have been sent. */
export type Edited = { readonly status: "sent" | "failed"; readonly messageId?: string | undefined } | null;

/**
 * A longer text is cut: with each character escaped it still fits into a line of the protocol. UTF-16 units; some 35
 * messages of the platform with the lowest limit.
 */
const contentUnitsMax = 150_000;

/** What a gateway with these capabilities is asked for, so that a send reaches its chat; or why nothing can be asked for. */
export function outgoingRequest(
  send: OpenSend,
  { capabilities, edited }: { capabilities: readonly string[]; edited: Edited },
): { request: GatewayRequest } | { error: string } {
  switch (send.kind) {
    case "edit":
      return edit(send, capabilities, edited);
    case "media":
      return { request: media(send, capabilities) };
    default:
      return { request: message(send, capabilities) };
  }
}

function message(send: OpenSend, capabilities: readonly string[]): GatewayRequest {
  const { inline_keyboard: keyboard } = send;
  const hasButtons = capabilities.includes("inline_keyboard");
  return {
    type: "send_message",
    ...addressed(send, capabilities),
    content: keyboard && !hasButtons ? `${cut(send.content)}\n\n${howToAnswer(keyboard)}` : cut(send.content),
    ...(keyboard && hasButtons ? { inline_keyboard: keyboard } : {}),
  };
}

/** The first line of its content is the file's address, the rest its caption. */
function media(send: OpenSend, capabilities: readonly string[]): GatewayRequest {
  const [url = "", ...caption] = send.content.split("\n");
  if (!capabilities.includes("media") || !URL.canParse(url)) return message(send, capabilities);
  return {
    type: "send_media",
    ...addressed(send, capabilities),
    media: { source: "url", url },
    ...(caption.length > 0 ? { caption: cut(caption.join("\n")) } : {}),
  };
}

function edit(
  send: OpenSend,
  capabilities: readonly string[],
  edited: Edited,
): { request: GatewayRequest } | { error: string } {
  // Whoever has not seen the question is not told its outcome.
  if (edited?.status !== "sent") return { error: "the message that it was to replace had not been sent" };
  if (edited.messageId === undefined || !capabilities.includes("edit")) return { request: message(send, capabilities) };
  const { request_id, chat_id = "" } = send;
  return {
    request: { type: "edit_message", request_id, chat_id, message_id: edited.messageId, content: cut(send.content) },
  };
}

const addressed = ({ request_id, chat_id = "", reply_to, thread_id }: OpenSend, capabilities: readonly string[]) => ({
  request_id,
  chat_id,
  ...(reply_to !== undefined && capabilities.includes("reply") ? { reply_to } : {}),
  ...(thread_id !== undefined && capabilities.includes("threads") ? { thread_id } : {}),
});

function howToAnswer(keyboard: NonNullable<OpenSend["inline_keyboard"]>): string {
  const canAlways = keyboard.rows.flat().some((button) => button.callback_data.startsWith("approve:allow_always"));
  return canAlways ? "Reply yes, always or no." : "Reply yes or no.";
}

function cut(content: string): string {
  if (content.length <= contentUnitsMax) return content;
  const kept = content.slice(0, contentUnitsMax).replace(/[\uD800-\uDBFF]$/, "");
  return `${kept}\n\n… (this goes on; the whole text is in the session)`;
}
