import type { NotifyChannels } from "../runtime/parts.ts";
import type { Config } from "../schema/config.ts";

/** The channels of `notify:`, as far as the runtime has to know them: no address, no secret. */
export function notifyChannels({ notify }: Config): NotifyChannels {
  const channels = Object.entries(notify?.channels ?? {}).map(
    ([name, channel]) =>
      [name, "webhook" in channel ? "webhook" : { gateway: channel.gateway, chatId: channel.chat_id }] as const,
  );
  return { default: notify?.default ?? null, channels: Object.fromEntries(channels) };
}
