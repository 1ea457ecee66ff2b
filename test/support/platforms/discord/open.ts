import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";

import type { OpenTestPlatform, TestPlatform } from "../test-platform.ts";
import { HttpApi } from "./http-api.ts";
import { guildPayload } from "./payloads.ts";
import { DiscordChat } from "./people.ts";
import { Refusal } from "./refusals.ts";
import { DiscordWebsocket } from "./websocket.ts";
import { channelTypes, DiscordWorld, type Event } from "./world.ts";

/** Discord on this machine, with more to hold in tests than the platforms have in common. */
export type DiscordPlatform = Omit<TestPlatform, "dm" | "group"> & {
  readonly world: DiscordWorld;
  readonly websocket: DiscordWebsocket;
  readonly apiRoot: string;
  /** Connections that were refused while it was away. */
  readonly refusals: number;
  /** The next call that sends a message is answered so. */
  refuseNext(status: number, code: number): void;
  dm(user: string): DiscordChat;
  group(title: string, members: readonly string[]): DiscordChat;
};

/** Starts one; it ends with the test. */
export async function openDiscordPlatform(t: Parameters<OpenTestPlatform>[0]): Promise<DiscordPlatform> {
  const world = new DiscordWorld();
  const sockets = new Set<Socket>();
  let isReachable = true;
  let refusals = 0;
  const http = createServer((request, response) => void api.handle(request, response));
  http.on("connection", (socket) => {
    if (!isReachable) {
      refusals += 1;
      return socket.destroy();
    }
    sockets.add(socket);
    socket.on("error", () => {
      // Cut on purpose, by either side.
    });
    return socket.on("close", () => sockets.delete(socket));
  });
  http.listen(0, "127.0.0.1");
  await new Promise((resolve) => http.once("listening", resolve));
  const { port } = http.address() as AddressInfo;
  const api = new HttpApi(world, () => `ws://127.0.0.1:${port}`);
  const websocket = new DiscordWebsocket(world, http, () => `ws://127.0.0.1:${port}`);
  const deliver = (event: Event): Promise<void> => websocket.deliver(event, () => isReachable);
  const dropConnections = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const close = async (): Promise<void> => {
    dropConnections();
    websocket.dropAll();
    await new Promise((resolve) => http.close(resolve));
  };
  t.after(close);
  return {
    name: "discord",
    limit: { max: 2_000, size: (raw) => Array.from(raw).length },
    gateway: {
      name: "discord",
      command: "duragent-gateway-discord",
      config: { bot_token: world.token, api_root: `http://127.0.0.1:${port}/api` },
    },
    world,
    websocket,
    apiRoot: `http://127.0.0.1:${port}/api`,
    dm: (user) => new DiscordChat(world, world.openDm(user), deliver),
    group(title, members) {
      for (const member of members) world.user(member);
      const guild = world.addGuild(title);
      const channel = world.addChannel({ type: channelTypes.text, name: "general", guildId: guild.id });
      world.tell({ t: "GUILD_CREATE", d: guildPayload(world, guild), guildId: guild.id });
      return new DiscordChat(world, channel, deliver);
    },
    violations: api.violations,
    get refusals() {
      return refusals;
    },
    rateLimitNext(seconds) {
      api.rateLimitNextSeconds = seconds;
    },
    refuseNext(status, code) {
      api.refuseNext = new Refusal(status, code, "refused by the test");
    },
    cutNext() {
      api.cutNext = true;
    },
    dropConnections,
    // What a bot has read is never told again.
    redeliver: async () => false,
    setReachable(reachable) {
      isReachable = reachable;
      if (!reachable) dropConnections();
    },
    calls: api.calls,
    close,
  };
}

export const openDiscord: OpenTestPlatform = openDiscordPlatform;
