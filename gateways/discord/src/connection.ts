import { GatewayCloseCodes, GatewayIntentBits } from "@discordjs/core";
import type { REST } from "@discordjs/rest";
import { CloseCodes, WebSocketManager, WebSocketShardEvents } from "@discordjs/ws";
import { CommandFailure, untilReached, type Core } from "@duragent/gateway-protocol";

import { platformFailure } from "./platform-failure.ts";
import type { Sessions } from "./sessions.ts";

const intents =
  GatewayIntentBits.Guilds |
  GatewayIntentBits.GuildMessages |
  GatewayIntentBits.DirectMessages |
  GatewayIntentBits.MessageContent;

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
  /** Resolves once every shard is ready; throws CommandFailure where Discord refuses for good. */
  open(): Promise<void>;
  /** Discord keeps for the next run what happens meanwhile. */
  close(): Promise<void>;
};

type Options = {
  readonly rest: REST;
  readonly token: string;
  readonly sessions: Sessions;
  readonly log: (message: string) => void;
  /** Discord is not reached any more; said once an outage. */
  readonly lost: (message: string) => void;
  /** Discord takes no connection any more, after `open` has resolved. */
  readonly refused: (failure: CommandFailure) => void;
};

/** The websocket that brings messages: opened again and resumed by the library. */
export function discordConnection({ rest, token, sessions, log, lost, refused }: Options): Connection {
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
    if (!away.has(shardId)) lost(`Discord is not reached, it is tried until it is: ${error.message}`);
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
    open: async () => Promise.race([manager.connect(), refusal.promise]),
    async close() {
      await sessions.close();
      await manager.destroy({ code: CloseCodes.Resuming });
    },
  };
}

/** Tries until Discord is reached; throws CommandFailure where it refuses for good. */
export function untilJoined<T>(
  attempt: () => Promise<T>,
  { log, error, stopping }: Pick<Core, "log" | "error" | "stopping">,
): Promise<T> {
  const told = async (): Promise<T> => {
    try {
      return await attempt();
    } catch (error) {
      const failure = platformFailure(error);
      if (isRefusal(failure) || failure.code !== "unauthorized") throw failure;
      throw new CommandFailure("unauthorized", refusedToken(), { cause: error });
    }
  };
  return untilReached(told, { log, error, stopping, isFinal });
}

function isFinal(error: unknown): boolean {
  return error instanceof CommandFailure && (isRefusal(error) || error.code === "unauthorized");
}

function isRefusal(failure: CommandFailure): boolean {
  return Object.values(refusals).includes(failure);
}

/** What to do about a token that Discord does not take. */
export function refusedToken(): string {
  return "Discord refused the bot token: put the one of the page Bot of your application (https://discord.com/developers/applications) into config.bot_token of this gateway, or DISCORD_BOT_TOKEN.";
}
