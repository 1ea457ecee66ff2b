import type { SessionState } from "../domain/session/state.ts";
import type { SendTarget } from "../domain/session/step.ts";
import type { NotifyChannels } from "./parts.ts";

/** Where what is sent to a channel of `notify:` goes; `undefined`: there is no such channel. */
export function targetOfChannel({ channels }: NotifyChannels, name: string): SendTarget | undefined {
  const channel = Object.hasOwn(channels, name) ? channels[name] : undefined;
  if (channel === undefined) return undefined;
  return channel === "webhook" ? { channel: name } : { gateway: channel.gateway, chat_id: channel.chatId };
}

/** The chat that a session belongs to, as sends name it. */
export const chatOf = ({ gateway }: Pick<SessionState, "gateway">) => ({
  gateway: gateway?.name,
  chat_id: gateway?.chatId,
});
