import { Client, GatewayDispatchEvents } from "@discordjs/core";
import { REST } from "@discordjs/rest";
import type { Gateway, Setting } from "@duragent/gateway-protocol";

import { readConfig } from "./config.ts";
import { discordConnection } from "./connection.ts";
import { Guilds } from "./guilds.ts";
import { Inbox } from "./inbox.ts";
import { incomingMessage, type Self } from "./incoming-message.ts";
import { channelId, OutgoingMessages } from "./outgoing-messages.ts";
import { Presses } from "./presses.ts";
import { Typing } from "./typing.ts";

/** Joins Discord as a bot. */
export async function startDiscord(setting: Setting): Promise<Gateway> {
  const { core } = setting;
  const { token, apiRoot } = readConfig(setting);
  // The core waits and tries again, and knows what else there is to send meanwhile.
  const rest = new REST({ api: apiRoot, retries: 0, rejectOnRateLimit: () => true }).setToken(token);
  let opened = false;
  const connection = discordConnection({
    rest,
    token,
    stopping: core.stopping,
    log: core.log.bind(core),
    refused: (failure) => {
      if (opened) core.error(failure.code, failure.message, true);
    },
  });
  const client = new Client({ rest, gateway: connection.manager });
  const outgoing = new OutgoingMessages(client.api.channels);
  const presses = new Presses(client.api.interactions, core.log.bind(core));
  const typing = new Typing(async (channel) => {
    // It is a hint: the next one may work.
    await client.api.channels.showTyping(channel).catch((error: unknown) => core.log(`typing: ${String(error)}`));
  });
  const heard = listen(client, new Inbox(core), presses, core.log.bind(core));
  await connection.open();
  opened = true;
  return {
    capabilities: ["media", "edit", "delete", "typing", "reply", "inline_keyboard", "threads", "ack"],
    isConnected: connection.isConnected,
    lastInboundAt: heard.lastAt,
    sendMessage: (command, sending) => outgoing.send(command, sending),
    sendMedia: (command, sending) => outgoing.sendMedia(command, sending),
    editMessage: (command) => outgoing.edit(command),
    deleteMessage: (command) => outgoing.delete(command),
    sendTyping: ({ chat_id, thread_id, duration }) => typing.type(channelId(thread_id ?? chat_id), duration),
    answerCallbackQuery: (command) => presses.answer(command),
    async stop() {
      typing.stop();
      await connection.close();
    },
  };
}

/** Takes what the websocket brings. */
function listen(
  client: Client,
  inbox: Inbox,
  presses: Presses,
  log: (message: string) => void,
): { lastAt(): string | undefined } {
  let self: Self | undefined;
  let lastAt: string | undefined;
  const guilds = new Guilds(() => self?.id);
  client.on(GatewayDispatchEvents.Ready, ({ data }) => {
    self = data.user;
  });
  client.on(GatewayDispatchEvents.MessageCreate, ({ data }) => {
    lastAt = new Date().toISOString();
    if (!self) return;
    const event = incomingMessage(data, self, guilds);
    if (event) inbox.take(event);
  });
  client.on(GatewayDispatchEvents.InteractionCreate, ({ data }) => {
    lastAt = new Date().toISOString();
    const event = presses.take(data);
    if (event) inbox.take(event);
  });
  followGuilds(client, guilds);
  client.on("error", (error: unknown) => log(`an event could not be read: ${String(error)}`));
  return { lastAt: () => lastAt };
}

function followGuilds(client: Client, guilds: Guilds): void {
  client.on(GatewayDispatchEvents.GuildCreate, ({ data }) => guilds.joined(data));
  client.on(GatewayDispatchEvents.GuildDelete, ({ data }) => {
    // Not while Discord only fails to reach it.
    if (!data.unavailable) guilds.left(data.id);
  });
  for (const changed of [GatewayDispatchEvents.GuildRoleCreate, GatewayDispatchEvents.GuildRoleUpdate] as const) {
    client.on(changed, ({ data }) => guilds.role(data.guild_id, data.role));
  }
  client.on(GatewayDispatchEvents.ChannelCreate, ({ data }) => guilds.channel(data.guild_id, data));
  client.on(GatewayDispatchEvents.ChannelUpdate, ({ data }) => {
    if ("guild_id" in data) guilds.channel(data.guild_id, data);
  });
  client.on(GatewayDispatchEvents.ChannelDelete, ({ data }) => {
    if ("guild_id" in data) guilds.channelGone(data.guild_id, data.id);
  });
  client.on(GatewayDispatchEvents.ThreadCreate, ({ data }) => guilds.channel(data.guild_id, data));
  client.on(GatewayDispatchEvents.ThreadUpdate, ({ data }) => guilds.channel(data.guild_id, data));
  client.on(GatewayDispatchEvents.ThreadDelete, ({ data }) => guilds.channelGone(data.guild_id, data.id));
}
