import assert from "node:assert/strict";
import { once } from "node:events";

import type { BotMessage, OpenTestPlatform, TestChat, TestPlatform } from "../test-platform.ts";
import { BotApi } from "./bot-api.ts";
import { parseHtml } from "./parse-html.ts";
import type { Json, StoredMessage, World, WorldChat } from "./world.ts";

const waitMs = 20_000;

/** Telegram with its people, for the scenarios of all platforms. */
export const openTelegram: OpenTestPlatform = async (t) => {
  const api = await openBotApi(t);
  return telegramPlatform(api);
};

/** The same, for tests that look behind it. */
export async function openBotApi(t: Parameters<OpenTestPlatform>[0]): Promise<BotApi> {
  const api = new BotApi();
  await api.listen();
  t.after(() => api.close());
  return api;
}

export function telegramPlatform(api: BotApi): TestPlatform {
  const { world } = api;
  return {
    name: "telegram",
    limit: { max: 4096, size: (raw) => parseHtml(raw).text.length },
    gateway: {
      name: "telegram",
      command: "duragent-gateway-telegram",
      config: { bot_token: world.bot.token, api_root: api.url, poll_timeout_seconds: 20 },
    },
    dm: (user) => testChat(world, world.dm(user)),
    group: (title, members) => testChat(world, world.group(title, members)),
    violations: api.violations,
    calls: api.calls,
    rateLimitNext: (retryAfterSeconds) => void api.tricks.push({ kind: "limit", retryAfterSeconds }),
    cutNext: () => void api.tricks.push({ kind: "cut" }),
    dropConnections: () => api.dropConnections(),
    async redeliver() {
      const newest = [...world.chats.values()]
        .flatMap(({ messages }) => messages.filter(({ isBots }) => !isBots))
        .toSorted((a, b) => Number(b.wire.order) - Number(a.wire.order))[0];
      assert.ok(newest, "nobody has said anything");
      world.update("message", newest.wire);
      return true;
    },
    setReachable(reachable) {
      api.isReachable = reachable;
      if (!reachable) api.dropConnections();
    },
    close: () => api.close(),
  };
}

function testChat(world: World, chat: WorldChat): TestChat {
  const shown = (): BotMessage[] => chat.messages.filter(({ isBots }) => isBots).map(botMessage);
  return {
    id: String(chat.id),
    async say(user, text, options = {}) {
      assert.ok(chat.members.has(user), `${user} is no member of ${chat.title}`);
      return String(world.said(chat, user, messageFields(world, chat, text, options)).id);
    },
    messages: shown,
    async waitFor(what, is) {
      const tooLong = AbortSignal.timeout(waitMs);
      for (;;) {
        const found = shown().find(is);
        if (found) return found;
        await once(world, "message", { signal: tooLong }).catch(() => {
          throw new Error(`${what}: not within ${waitMs} ms; there are ${JSON.stringify(shown(), null, 1)}`);
        });
      }
    },
    async press(user, message, caption) {
      const stored = chat.messages.find(({ id }) => String(id) === message.id);
      const pressed = stored?.keyboard.flat().find(({ text }) => text === caption);
      assert.ok(stored && pressed, `there is no button ${caption} on ${JSON.stringify(stored)}`);
      return withinTime(`an answer to ${caption}`, world.press(chat, user, stored, pressed.callback_data));
    },
    get typings() {
      return chat.typings;
    },
  };
}

function messageFields(
  world: World,
  chat: WorldChat,
  text: string,
  { mention = false, replyTo, threadId }: NonNullable<Parameters<TestChat["say"]>[2]>,
): Json {
  const { username } = world.bot;
  const [command] = /^\/\w+/.exec(text) ?? [];
  const name = mention ? `@${username}` : "";
  const said = command === undefined ? `${name} ${text}`.trim() : text.replace(command, command + name);
  const length = command === undefined ? name.length : command.length + name.length;
  const type = command === undefined ? "mention" : "bot_command";
  const answered = chat.messages.find(({ id }) => String(id) === replyTo);
  if (threadId !== undefined) chat.topics.add(Number(threadId));
  return {
    text: said,
    ...(length > 0 && { entities: [{ type, offset: 0, length }] }),
    ...(answered && { reply_to_message: wireAnswered(world, answered) }),
    ...(threadId !== undefined && { message_thread_id: Number(threadId), is_topic_message: true }),
    // Not of the Bot API: which was said last.
    order: performance.now(),
  };
}

function wireAnswered(world: World, message: StoredMessage): Json {
  if (!message.isBots) return message.wire;
  return { message_id: message.id, date: 1, text: message.text, from: { id: world.bot.id, is_bot: true } };
}

function botMessage({ id, text, raw, keyboard, replyTo, threadId, edits }: StoredMessage): BotMessage {
  return {
    id: String(id),
    text,
    raw,
    buttons: keyboard.map((row) => row.map((button) => button.text)),
    ...(replyTo !== undefined && { replyTo: String(replyTo) }),
    ...(threadId !== undefined && { threadId: String(threadId) }),
    edits,
  };
}

async function withinTime<Value>(what: string, promise: Promise<Value>): Promise<Value> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${what}: not within ${waitMs} ms`)), waitMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
