import type { Incoming, WayIn } from "./incoming.ts";

const onceInMs = 3_600_000;

export const noRoute = "no agent answers this chat: add a route, or set default_agent in duragent.yaml";

/**
 * Nobody hears this sender here: in the log once an hour for each sender of a chat, with the ids that a route or an
 * allowlist wants, and never with what was said.
 */
export function notHeard(
  { chat, chatType, event, senderId }: Incoming,
  { parts: { log, clock }, unheard }: WayIn,
  why: string,
  { agent, level }: { agent?: string; level: "info" | "warn" },
): void {
  const key = JSON.stringify([chat.gateway, chatType, chat.chatId, senderId]);
  const now = clock.monotonic();
  const before = unheard.get(key);
  if (before !== undefined && now - before < onceInMs) return;
  unheard.set(key, now);
  const ids = { chat_id: chat.chatId, sender_id: senderId };
  const chatFields = { gateway: chat.gateway, channel: event.routing.channel, chat_type: chatType, ...ids };
  log[level]({ ...chatFields, ...(agent === undefined ? {} : { agent }) }, why);
}

/** Which setting refuses a message, in words. */
export const refusalWords = {
  dm: "a message was refused: access.dm of the agent does not let this sender write",
  group: "a message was refused: access.groups of the agent does not have this chat",
  sender: "a message was refused: access.groups of the agent blocks this sender",
} as const;
