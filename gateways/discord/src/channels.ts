import type { API } from "@discordjs/core";
import { CommandFailure } from "@duragent/gateway-protocol";

import { called, isUnknownChannel } from "./platform-failure.ts";

const snowflake = /^\d{15,20}$/;
/** People whose direct messages are remembered. */
const openedMax = 1_000;

/** Channels by the id that the core knows: that of a channel, or of a person, who is then told in direct messages. */
export class Channels {
  readonly #api: Pick<API, "channels" | "users">;
  readonly #opened = new Map<string, string>();

  constructor(api: Pick<API, "channels" | "users">) {
    this.#api = api;
  }

  /**
   * Calls Discord for a chat; where it knows no such channel, once more for the direct messages with that person. Throws
   * CommandFailure.
   */
  async in<Result>(chatId: string, call: (api: API["channels"], channel: string) => Promise<Result>): Promise<Result> {
    const id = channelId(chatId);
    const { channels } = this.#api;
    try {
      return await called(call(channels, this.#opened.get(id) ?? id));
    } catch (error) {
      if (!isUnknownChannel(error)) throw error;
      const opened = await this.#open(id, error);
      return called(call(channels, opened));
    }
  }

  /** Discord has one channel for each person, and answers with it whenever it is asked to open one. */
  async #open(userId: string, unknown: unknown): Promise<string> {
    const { id } = await called(this.#api.users.createDM(userId)).catch((error: unknown) => {
      const isTemporary =
        error instanceof CommandFailure && (error.code === "rate_limited" || error.code === "not_connected");
      throw isTemporary ? error : unknown;
    });
    this.#opened.set(userId, id);
    const [oldest] = this.#opened.keys();
    if (this.#opened.size > openedMax && oldest !== undefined) this.#opened.delete(oldest);
    return id;
  }
}

/** Whether it has the form of Discord's ids, which become part of an address. */
export function isSnowflake(id: string): boolean {
  return snowflake.test(id);
}

/** Throws CommandFailure. */
export function channelId(chatId: string): string {
  if (isSnowflake(chatId)) return chatId;
  throw new CommandFailure(
    "chat_not_found",
    "no channel of Discord has such an id: they are numbers of about 18 digits",
  );
}
