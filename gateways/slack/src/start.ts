import { CommandFailure, untilReached, type Core, type Gateway, type Setting } from "@duragent/gateway-protocol";
import type { WebClient } from "@slack/web-api";

import { failureOf } from "./failures.ts";
import { Files } from "./files.ts";
import { HttpInbound } from "./http-inbound.ts";
import { Outgoing } from "./outgoing.ts";
import { People } from "./people.ts";
import { Presses } from "./presses.ts";
import { Receiver } from "./receiver.ts";
import { readSettings, type SlackSettings } from "./settings.ts";
import { SocketInbound } from "./socket.ts";
import { Threads } from "./threads.ts";
import { openWeb } from "./web.ts";

/** Joins Slack. Typing is left out: Slack shows none of bots. */
export async function startSlack({ config, env, core, dataDir }: Setting): Promise<Gateway> {
  const settings = readSettings(config, env);
  const { botToken, apiRoot } = settings;
  const web = openWeb(botToken, apiRoot, core);
  const threads = await Threads.open(dataDir, (message) => core.log(message));
  const botUserId = await whoAmI(web, core);
  const presses = new Presses(web);
  const people = new People(web);
  const files = new Files(web, (message) => core.log(message));
  const receiver = new Receiver({ core, botUserId, botToken, apiRoot, people, files, threads, presses });
  const inbound = await openInbound(settings, core, receiver);
  const outgoing = new Outgoing(web, threads);
  return {
    capabilities: ["media", "edit", "delete", "reply", "inline_keyboard", "threads", "ack"],
    isConnected: () => inbound.isConnected(),
    lastInboundAt: () => receiver.lastInboundAt(),
    sendMessage: (command, sending) => told(outgoing.send(command, sending)),
    sendMedia: (command, sending) => told(outgoing.sendMedia(command, sending)),
    editMessage: (command) => told(outgoing.edit(command)),
    deleteMessage: (command) => told(outgoing.delete(command)),
    answerCallbackQuery: (command) => told(presses.answer(command)),
    stop: () => inbound.close(),
  };
}

function openInbound(
  { inbound, apiRoot }: SlackSettings,
  core: Core,
  receiver: Receiver,
): Promise<SocketInbound | HttpInbound> {
  const take = (body: unknown): Promise<boolean> => receiver.take(body);
  if (inbound.mode === "http") return HttpInbound.open({ ...inbound, take });
  return SocketInbound.open({ appToken: inbound.appToken, apiRoot, core, take });
}

/** The bot's user id. Waits for a Slack that is away; throws CommandFailure `unauthorized` for a token that it refuses. */
function whoAmI(web: WebClient, core: Core): Promise<string> {
  return untilReached(async () => {
    try {
      const { user_id: userId } = await web.auth.test();
      if (userId === undefined) throw new CommandFailure("platform_error", "Slack: auth.test named no user");
      return userId;
    } catch (error) {
      const failure = failureOf(error);
      if (failure.code !== "unauthorized") throw failure;
      const where = "bot token (xoxb-…, config.bot_token or SLACK_BOT_TOKEN)";
      throw new CommandFailure("unauthorized", `Slack refuses the ${where}: ${failure.message}`);
    }
  }, core);
}

async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw failureOf(error);
  }
}
