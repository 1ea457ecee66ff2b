import { setTimeout as sleep } from "node:timers/promises";

import { GatewayCloseCodes, GatewayIntentBits } from "@discordjs/core";
import type { REST } from "@discordjs/rest";
import { WebSocketManager, WebSocketShardEvents } from "@discordjs/ws";
import { CommandFailure } from "@duragent/gateway-protocol";

import { platformFailure } from "./platform-failure.ts";
import { Sessions } from "./sessions.ts";

const intents =
  GatewayIntentBits.Guilds |
  GatewayIntentBits.GuildMessages |
  GatewayIntentBits.DirectMessages |
  GatewayIntentBits.MessageContent;
const retryMs = { first: 1_000, most: 30_000 };

/** Why Discord takes no connection again. https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway */
const refusals: Readonly<Record<number, CommandFailure>> = {
  [GatewayCloseCodes.AuthenticationFailed]: new CommandFailure("unauthorized", refusedToken()),
  [GatewayCloseCodes.DisallowedIntents]: new CommandFailure(
    "unauthorized",
    "Discord does not let this bot read messages: switch on “Message Content Intent” under Bot → Privileged Gateway Intents of your application at https://discord.com/developers/applications.",
  ),
  [GatewayCloseCodes.InvalidIntents]: new CommandFailure("platform_error", "Discord knows these intents no more"),
  [GatewayCloseCodes.InvalidAPIVersion]: new CommandFailure("platform_error", "Discord ended this version of its API"),
  [GatewayCloseCodes.InvalidShard]: new CommandFailure("platform_error", "Discord refused the shard"),
  [GatewayCloseCodes.ShardingRequired]: new CommandFailure("platform_error", "Discord asks for more shards"),
};

export type Connection = {
  readonly manager: WebSocketManager;
  isConnected(): boolean;
  /** Resolves once every shard is ready. Tries until then; throws CommandFailure where Discord refuses for good. */
  open(): Promise<void>;
  close(): Promise<void>;
};

type Options = {
  readonly rest: REST;
  readonly token: string;
  readonly stopping: AbortSignal;
  readonly log: (message: string) => void;
  /** Discord takes no connection any more, after `open` has resolved. */
  readonly refused: (failure: CommandFailure) => void;
};

/** The websocket that brings messages: opened again and resumed by the library. */
export function discordConnection({ rest, token, stopping, log, refused }: Options): Connection {
  const sessions = new Sessions();
  const connected = new Set<number>();
  const manager = new WebSocketManager({
    rest,
    token,
    intents,
    retrieveSessionInfo: sessions.retrieve,
    updateSessionInfo: sessions.update,
  });
  const refusal = Promise.withResolvers<never>();
  refusal.promise.catch(refused);
  const away = new Set<number>();
  manager.on(WebSocketShardEvents.Hello, (shardId) => {
    sessions.opened(shardId);
    away.delete(shardId);
  });
  manager.on(WebSocketShardEvents.SocketError, (error, shardId) => {
    // Tried twice a second: said once.
    if (!away.has(shardId)) log(`Discord is not reached, it is tried until it is: ${error.message}`);
    away.add(shardId);
  });
  manager.on(WebSocketShardEvents.Ready, (_, shardId) => connected.add(shardId));
  manager.on(WebSocketShardEvents.Resumed, (shardId) => connected.add(shardId));
  manager.on(WebSocketShardEvents.Closed, (code, shardId) => {
    if (connected.delete(shardId)) log(`the connection to Discord was closed (${code})`);
    sessions.closed(shardId, code);
    const failure = refusals[code];
    if (failure) refusal.reject(failure);
  });
  // The codes above say it better.
  manager.on(WebSocketShardEvents.Error, (error) => log(`Discord: ${error.message}`));
  return {
    manager,
    isConnected: () => connected.size > 0 && connected.size === manager.options.shardCount,
    open: () => opened(manager, refusal.promise, stopping, log),
    close: async () => manager.destroy(),
  };
}

async function opened(
  manager: WebSocketManager,
  refusal: Promise<never>,
  stopping: AbortSignal,
  log: (message: string) => void,
): Promise<void> {
  for (let waitMs = retryMs.first; ; waitMs = Math.min(waitMs * 2, retryMs.most)) {
    try {
      return await Promise.race([manager.connect(), refusal]);
    } catch (error) {
      const failure = platformFailure(error);
      if (failure.code === "unauthorized")
        throw error === failure ? failure : new CommandFailure("unauthorized", refusedToken(), { cause: error });
      if (Object.values(refusals).includes(failure)) throw failure;
      log(`${failure.message}; tried again in ${waitMs / 1_000} s`);
      await sleep(failure.retryAfterSeconds === undefined ? waitMs : failure.retryAfterSeconds * 1_000, undefined, {
        signal: stopping,
      });
    }
  }
}

function refusedToken(): string {
  return "Discord refused the bot token: put the one of the page Bot of your application (https://discord.com/developers/applications) into config.bot_token of this gateway, or DISCORD_BOT_TOKEN.";
}
