import { malformed, Refusal } from "./refusal.ts";
import type { Json, World } from "./world.ts";

const kinds = ["message", "edited_message", "channel_post", "callback_query", "my_chat_member", "chat_member"];
type Answer = (updates: readonly unknown[] | Refusal) => void;

/** The long poll: what an `offset` passes by is confirmed and gone, all else comes again. One asks at a time. */
export class Updates {
  readonly #world: World;
  #asking: { answer: Answer; timer: NodeJS.Timeout; limit: number } | undefined;

  constructor(world: World) {
    this.#world = world;
    world.on("update", () => this.#answer());
  }

  /** Answers once, then or later. Returns what to call when the one who asked is gone. */
  ask({ offset, limit = 100, timeout = 0, allowed_updates: allowed = [] }: Json, answer: Answer): () => void {
    if (this.#world.webhook !== "")
      throw new Refusal(
        409,
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
      );
    if (typeof limit !== "number" || limit < 1 || limit > 100) throw malformed("wrong parameter limit in request");
    if (typeof timeout !== "number" || timeout < 0) throw malformed("wrong parameter timeout in request");
    if (offset !== undefined && typeof offset !== "number") throw malformed("wrong parameter offset in request");
    if (!Array.isArray(allowed) || !allowed.every((kind) => kinds.includes(String(kind))))
      throw malformed("wrong parameter allowed_updates in request");
    this.#give(
      new Refusal(
        409,
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
      ),
    );
    if (offset !== undefined) this.#world.updates = this.#world.updates.filter((update) => update.update_id >= offset);
    const timer = setTimeout(() => this.#give([]), timeout * 1_000);
    const asking = { answer, timer, limit };
    this.#asking = asking;
    this.#answer();
    return () => {
      clearTimeout(timer);
      if (this.#asking === asking) this.#asking = undefined;
    };
  }

  #answer(): void {
    if (this.#asking && this.#world.updates.length > 0) this.#give(this.#world.updates.slice(0, this.#asking.limit));
  }

  #give(what: readonly unknown[] | Refusal): void {
    if (!this.#asking) return;
    const { answer, timer } = this.#asking;
    this.#asking = undefined;
    clearTimeout(timer);
    answer(what);
  }
}
