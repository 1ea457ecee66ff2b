import { EventEmitter } from "node:events";

import type { Entity } from "./parse-html.ts";
import { misplaced, Refusal } from "./refusal.ts";

export type Json = Record<string, unknown>;
export type Button = { text: string; callback_data: string };
export type StoredMessage = {
  readonly id: number;
  readonly isBots: boolean;
  text: string;
  raw: string;
  entities: readonly Entity[];
  keyboard: readonly (readonly Button[])[];
  readonly replyTo?: number;
  readonly threadId?: number;
  edits: number;
  /** As it goes over the wire. */
  readonly wire: Json;
};

export type WorldChat = {
  readonly id: number;
  readonly type: "private" | "group" | "supergroup";
  readonly title: string;
  readonly members: Set<string>;
  readonly messages: StoredMessage[];
  readonly topics: Set<number>;
  nextMessageId: number;
  typings: number;
  /** The bot was blocked, or removed. */
  isClosed: boolean;
  migratedTo?: number;
};

type Press = { isAnswered: boolean; answer(text: string | undefined): void };

/** The chats of one bot, its updates that nobody has confirmed, and the presses that wait for an answer. */
export class World extends EventEmitter<{ message: []; update: [] }> {
  readonly bot = { id: 7_000_001, username: "duragent_test_bot", token: "7000001:TEST-token_of_a_bot" };
  readonly chats = new Map<number, WorldChat>();
  readonly presses = new Map<string, Press>();
  updates: { update_id: number; [kind: string]: unknown }[] = [];
  webhook = "";
  #nextUpdate = 100_000;
  #nextGroup = 1;
  #nextPress = 1;

  dm(user: string): WorldChat {
    const id = Number(user);
    const chat = this.chats.get(id) ?? newChat({ id, type: "private", title: "", members: [user] });
    this.chats.set(id, chat);
    return chat;
  }

  group(title: string, members: readonly string[]): WorldChat {
    const chat = newChat({ id: -1_001_000_000_000 - this.#nextGroup, type: "supergroup", title, members });
    this.#nextGroup += 1;
    this.chats.set(chat.id, chat);
    return chat;
  }

  /** Where the bot may write. */
  chat(id: unknown): WorldChat {
    const number = typeof id === "string" && /^-?\d+$/.test(id) ? Number(id) : id;
    const chat = typeof number === "number" ? this.chats.get(number) : undefined;
    if (!chat) throw misplaced("chat not found");
    if (chat.isClosed) throw new Refusal(403, "Forbidden: bot was blocked by the user");
    if (chat.migratedTo !== undefined)
      throw new Refusal(400, "Bad Request: group chat was upgraded to a supergroup chat", {
        parameters: { migrate_to_chat_id: chat.migratedTo },
      });
    return chat;
  }

  update(kind: string, value: unknown): void {
    this.updates.push({ update_id: this.#nextUpdate, [kind]: value });
    this.#nextUpdate += 1;
    this.emit("update");
  }

  /** Someone says something; `fields` are those of a message that say what. */
  said(chat: WorldChat, user: string, fields: Json): StoredMessage {
    const { text = "", entities = [] } = fields;
    const message = this.store(chat, {
      isBots: false,
      text: String(text),
      raw: String(text),
      entities: [],
      keyboard: [],
    });
    const from = { id: Number(user), is_bot: false, first_name: `Person ${user}`, username: `person_${user}` };
    Object.assign(message.wire, {
      message_id: message.id,
      date: Math.floor(Date.now() / 1000),
      chat: wireChat(chat),
      from,
      ...(Array.isArray(entities) && entities.length > 0 && { entities }),
      ...fields,
    });
    this.update("message", message.wire);
    return message;
  }

  store(chat: WorldChat, message: Omit<StoredMessage, "id" | "edits" | "wire"> & { wire?: Json }): StoredMessage {
    const stored = { wire: {}, ...message, id: chat.nextMessageId, edits: 0 };
    chat.nextMessageId += 1;
    chat.messages.push(stored);
    return stored;
  }

  /** Resolves with what the one who pressed is shown. */
  press(chat: WorldChat, user: string, message: StoredMessage, data: string): Promise<string | undefined> {
    const id = String(900_000 + this.#nextPress);
    this.#nextPress += 1;
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    this.presses.set(id, { isAnswered: false, answer: resolve });
    this.update("callback_query", {
      id,
      from: { id: Number(user), is_bot: false, first_name: `Person ${user}`, username: `person_${user}` },
      chat_instance: "1",
      message: { message_id: message.id, date: 1, chat: wireChat(chat), text: message.text },
      data,
    });
    return promise;
  }
}

export function wireChat({ id, type, title }: WorldChat): Json {
  return type === "private" ? { id, type, first_name: `Person ${id}` } : { id, type, title };
}

function newChat(about: { id: number; type: WorldChat["type"]; title: string; members: readonly string[] }): WorldChat {
  return {
    ...about,
    members: new Set(about.members),
    messages: [],
    topics: new Set(),
    nextMessageId: 1,
    typings: 0,
    isClosed: false,
  };
}
