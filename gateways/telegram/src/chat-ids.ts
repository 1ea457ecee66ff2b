import { GrammyError } from "grammy";

/** Groups that are remembered to have got a new id. */
const migratedMax = 1_000;

/** Chats by the id that the core knows: a group that became a supergroup has got another one. */
export class ChatIds {
  readonly #migrated = new Map<string, number>();

  /** Calls Telegram for a chat, once more where it says that the chat has a new id. */
  async in<Result>(chatId: string, call: (chat: number | string) => Promise<Result>): Promise<Result> {
    try {
      return await call(this.#migrated.get(chatId) ?? chatId);
    } catch (error) {
      const newId = error instanceof GrammyError ? error.parameters.migrate_to_chat_id : undefined;
      if (newId === undefined) throw error;
      this.#migrated.set(chatId, newId);
      const [oldest] = this.#migrated.keys();
      if (this.#migrated.size > migratedMax && oldest !== undefined) this.#migrated.delete(oldest);
      return await call(newId);
    }
  }
}
