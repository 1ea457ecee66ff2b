import { CommandFailure, untilReached, type Core, type StartGateway } from "@duragent/gateway-protocol";
import { Api, GrammyError } from "grammy";
import type { Update, UserFromGetMe } from "grammy/types";

import { ChatIds } from "./chat-ids.ts";
import { readConfig, type TelegramConfig } from "./config.ts";
import type { FileAddress } from "./content.ts";
import { toFailure } from "./failure.ts";
import { grammySignal } from "./grammy-signal.ts";
import { incomingMessage, incomingPress, type Bot } from "./incoming.ts";
import { poll, refusedToken, removeWebhook } from "./poll.ts";
import { Sender } from "./send.ts";

/** A call other than the long poll takes at most so long. */
const callSecondsMax = 30;

/** Telegram's Bot API by long polling (core.telegram.org/bots/api). */
export const startTelegram: StartGateway = async ({ config: given, env, core }) => {
  const config = readConfig(given, env);
  // The long poll brings its own limit.
  const client = { apiRoot: config.apiRoot, timeoutSeconds: config.pollTimeoutSeconds + callSecondsMax };
  const api = new Api(config.token, client);
  const me = await connect(api, core);
  const sender = new Sender(api, new ChatIds());
  let isConnected = true;
  let lastInboundAt: string | undefined;
  const polled = poll({
    api,
    core,
    timeoutSeconds: config.pollTimeoutSeconds,
    connected: (is) => (isConnected = is),
    async handOver(update) {
      lastInboundAt = new Date().toISOString();
      await handOver(update, { me, core, addressOf: fileAddresses(api, config) });
    },
  });
  return {
    capabilities: ["media", "edit", "delete", "typing", "reply", "inline_keyboard", "threads", "ack"],
    isConnected: () => isConnected,
    lastInboundAt: () => lastInboundAt,
    sendMessage: (command, sending) => sender.message(command, sending),
    sendMedia: (command, sending) => sender.media(command, sending),
    editMessage: (command) => sender.edit(command),
    deleteMessage: (command) => sender.delete(command),
    sendTyping: (command) => sender.typing(command),
    answerCallbackQuery: (command) => sender.answerPress(command),
    stop: () => polled,
  };
};

/** Who the bot is. Waits for Telegram as long as it is not there; a token that it refuses ends the gateway. */
function connect(api: Api, core: Core): Promise<UserFromGetMe> {
  return untilReached(async () => {
    try {
      const me = await api.getMe(grammySignal(core.stopping));
      await removeWebhook(api, core);
      return me;
    } catch (error) {
      if (error instanceof GrammyError && (error.error_code === 401 || error.error_code === 404))
        throw new CommandFailure("unauthorized", refusedToken(error.description));
      throw toFailure(error);
    }
  }, core);
}

async function handOver(
  update: Update,
  { me, core, addressOf }: { me: Bot; core: Core; addressOf: FileAddress },
): Promise<void> {
  const said = update.message ?? update.channel_post;
  const event = said
    ? await incomingMessage(said, me, addressOf)
    : update.callback_query && incomingPress(update.callback_query);
  if (event) await core.deliver(event);
}

function fileAddresses(api: Api, { apiRoot, token }: TelegramConfig): FileAddress {
  return async (fileId) => {
    try {
      const { file_path } = await api.getFile(fileId);
      return file_path === undefined ? "too large" : { url: `${apiRoot}/file/bot${token}/${file_path}` };
    } catch (error) {
      if (error instanceof GrammyError && error.error_code === 400) return "too large";
      throw error;
    }
  };
}
