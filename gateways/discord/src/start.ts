import { API, GatewayDispatchEvents, type GatewayDispatchPayload } from "@discordjs/core";
import { REST, RESTEvents } from "@discordjs/rest";
import { WebSocketShardEvents } from "@discordjs/ws";
import type { Core, Gateway, Setting } from "@duragent/gateway-protocol";

import { channelId, Channels } from "./channels.ts";
import { readConfig } from "./config.ts";
import { discordConnection, refusedToken, untilJoined } from "./connection.ts";
import { Guilds } from "./guilds.ts";
import { Inbox } from "./inbox.ts";
import { incomingMessage, type Self } from "./incoming-message.ts";
import { OutgoingMessages } from "./outgoing-messages.ts";
import { Presses } from "./presses.ts";
import { Sessions } from "./sessions.ts";
import { Typing } from "./typing.ts";

/** Joins Discord as a bot. */
export async function startDiscord(setting: Setting): Promise<Gateway> {
  const { core, dataDir } = setting;
  const { token, apiRoot } = readConfig(setting);
  const log = core.log.bind(core);
  // The core waits and tries again, and knows what else there is to send meanwhile.
  const rest = new REST({ api: apiRoot, retries: 0, rejectOnRateLimit: () => true }).setToken(token);
  const api = new API(rest);
  const self = await untilJoined(() => api.users.getCurrent(), core);
  const sessions = await Sessions.open(self.id, dataDir, log);
  let isOpen = false;
  const connection = discordConnection({
    rest,
    token,
    sessions,
    log,
    lost: (message) => core.error("not_connected", message),
    refused: (failure) => {
      if (isOpen) core.error(failure.code, failure.message, true);
    },
  });
  rest.on(RESTEvents.Response, ({ data }, { status }) => {
    // The library forgets a token that was refused once: nothing can be sent any more.
    if (isOpen && status === 401 && data.auth) core.error("unauthorized", refusedToken(), true);
  });
  const outgoing = new OutgoingMessages(new Channels(api));
  const presses = new Presses(api.interactions, log);
  const typing = new Typing(async (channel) => {
    // It is a hint: the next one may work.
    await api.channels.showTyping(channel).catch((error: unknown) => log(`typing: ${String(error)}`));
  });
  const ears = new Ears({ core, api, self, sessions, presses });
  connection.manager.on(WebSocketShardEvents.Dispatch, (event, shardId) => ears.hear(event, shardId));
  await untilJoined(() => connection.open(), core);
  isOpen = true;
  return {
    capabilities: ["media", "edit", "delete", "typing", "reply", "inline_keyboard", "threads", "ack"],
    isConnected: connection.isConnected,
    lastInboundAt: () => ears.lastAt,
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

type EarsParts = {
  readonly core: Core;
  readonly api: API;
  readonly self: Self;
  readonly sessions: Sessions;
  readonly presses: Presses;
};

/** Takes what the websocket brings. */
class Ears {
  lastAt: string | undefined;
  readonly #self: Self;
  readonly #inbox: Inbox;
  readonly #guilds: Guilds;
  readonly #sessions: Sessions;
  readonly #presses: Presses;

  constructor({ core, api, self, sessions, presses }: EarsParts) {
    this.#self = self;
    this.#inbox = new Inbox(core);
    this.#guilds = new Guilds(self.id, api.guilds, core.log.bind(core));
    this.#sessions = sessions;
    this.#presses = presses;
  }

  hear(event: GatewayDispatchPayload, shardId: number): void {
    const settled = this.#sessions.begin(shardId, event.s);
    if (event.t === GatewayDispatchEvents.MessageCreate) {
      const message = event.d;
      this.lastAt = new Date().toISOString();
      const read = async (): Promise<ReturnType<typeof incomingMessage>> => {
        await this.#guilds.know(message.guild_id);
        return incomingMessage(message, this.#self, this.#guilds);
      };
      return this.#inbox.take(message.id, read, settled);
    }
    if (event.t === GatewayDispatchEvents.InteractionCreate) {
      this.lastAt = new Date().toISOString();
      const press = this.#presses.take(event.d);
      return this.#inbox.take(event.d.id, async () => press, settled);
    }
    this.#guilds.take(event);
    settled();
  }
}
