import { createServer } from "node:net";
import type { TestContext } from "node:test";

import type { OpenTestPlatform, TestPlatform } from "../test-platform.ts";
import { ApiServer, tokens } from "./api-server.ts";
import { SlackChat } from "./chat.ts";
import type { Delivery } from "./delivery.ts";
import { HttpDelivery } from "./http-delivery.ts";
import { SocketDelivery } from "./socket-delivery.ts";
import { Workspace } from "./workspace.ts";

/** How long Slack waits for an acknowledgement. */
const ackWaitMs = 3_000;
/** What a section block holds, in characters. */
const sectionMax = 3_000;

export type SlackPlatform = Omit<TestPlatform, "dm" | "group"> & {
  readonly workspace: Workspace;
  readonly delivery: Delivery;
  readonly api: ApiServer;
  /** Where the app takes events; only where it does so over HTTP. */
  readonly appUrl?: string;
  readonly socket?: SocketDelivery;
  dm(user: string): SlackChat;
  group(title: string, members: readonly string[]): SlackChat;
};

type After = Pick<TestContext, "after">;

/** Slack with events over a websocket. */
export const openSlack: OpenTestPlatform = (t) => openSlackSocket(t);

/** The same, with all that only Slack has. */
export async function openSlackSocket(t: After, options: { ackWaitMs?: number } = {}): Promise<SlackPlatform> {
  const workspace = new Workspace();
  const socket = new SocketDelivery(workspace, options.ackWaitMs ?? ackWaitMs);
  const api = await ApiServer.listen(workspace, () => `ws://127.0.0.1:${api.port}/link/?ticket=${socket.newTicket()}`);
  socket.attach(api);
  return { ...platformOf(t, { workspace, api, delivery: socket, config: { app_token: tokens.app } }), socket };
}

/** Slack with events as signed requests. */
export async function openSlackHttp(t: After): Promise<SlackPlatform> {
  const workspace = new Workspace();
  const api = await ApiServer.listen(workspace, () => {
    throw new Error("nobody opens a websocket here");
  });
  const port = await freePort();
  const appUrl = `http://127.0.0.1:${port}/slack/events`;
  const delivery = new HttpDelivery(workspace, appUrl, ackWaitMs);
  const config = { signing_secret: tokens.signingSecret, http: { host: "127.0.0.1", port } };
  return { ...platformOf(t, { workspace, api, delivery, config }), appUrl };
}

type Parts = {
  readonly workspace: Workspace;
  readonly api: ApiServer;
  readonly delivery: Delivery;
  readonly config: Readonly<Record<string, unknown>>;
};

function platformOf(t: After, { workspace, api, delivery, config }: Parts): SlackPlatform {
  let newest: (() => Promise<unknown>) | undefined;
  const said = (again: () => Promise<unknown>): void => {
    newest = again;
  };
  const open = (...channel: Parameters<Workspace["open"]>): SlackChat =>
    new SlackChat(workspace.open(...channel), { workspace, delivery, said });
  const close = async (): Promise<void> => {
    await delivery.close();
    await api.close();
  };
  t.after(close);
  return {
    name: "slack",
    limit: { max: sectionMax, size: (raw) => raw.length },
    gateway: {
      name: "slack",
      command: "duragent-gateway-slack",
      config: { bot_token: tokens.bot, api_root: `${api.origin}/api/`, ...config },
    },
    workspace,
    delivery,
    api,
    dm: (user) => open("im", [user]),
    group: (_, members) => open("channel", members),
    violations: workspace.violations,
    rateLimitNext: (seconds) => api.rateLimitNext(seconds),
    cutNext: () => api.cutNext(),
    dropConnections() {
      delivery.dropConnections();
      api.dropConnections();
    },
    async redeliver() {
      await newest?.();
      return newest !== undefined;
    },
    setReachable(reachable) {
      api.setReachable(reachable);
      delivery.setReachable(reachable);
    },
    calls: api.calls,
    close,
  };
}

/** A port that was free just now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
}
