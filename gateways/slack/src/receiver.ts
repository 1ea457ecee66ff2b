import type { Core } from "@duragent/gateway-protocol";
import { z } from "zod";

import type { Files } from "./files.ts";
import { Handovers, type Taken } from "./handovers.ts";
import { filesOf, incomingMessage, isSaidByPerson, messageSchema, type SlackMessage } from "./incoming-message.ts";
import type { People, Person } from "./people.ts";
import { mentionedUsers } from "./plain-text.ts";
import { pressSchema, type Presses } from "./presses.ts";
import type { Threads } from "./threads.ts";

/** Of those whom a message mentions; more keep their id. */
const mentionedMax = 20;

/** Slack holds back events for a minute: more than 30,000 came in an hour. */
const limitedSchema = z.object({ type: z.literal("app_rate_limited") });
const eventSchema = z.object({ type: z.literal("event_callback"), event: messageSchema });

type ReceiverOptions = {
  readonly core: Core;
  readonly botUserId: string;
  readonly botToken: string;
  readonly apiRoot: string;
  readonly people: People;
  readonly files: Files;
  readonly threads: Threads;
  readonly presses: Presses;
};

/** What Slack delivers, whichever way it comes. */
export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #handovers: Handovers;
  #lastInboundAt: string | undefined;

  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#handovers = new Handovers(options.core);
  }

  lastInboundAt(): string | undefined {
    return this.#lastInboundAt;
  }

  /** Whether Slack may be told that it came. What is of no interest is taken. */
  async take(body: unknown): Promise<boolean> {
    this.#lastInboundAt = new Date().toISOString();
    const taken = await this.#taken(body);
    return taken !== "full" && taken !== "stopped";
  }

  async #taken(body: unknown): Promise<Taken> {
    const event = eventSchema.safeParse(body);
    if (event.success) return this.#message(event.data.event);
    const press = pressSchema.safeParse(body);
    if (!press.success) {
      if (limitedSchema.safeParse(body).success) this.#options.core.log("Slack leaves out events: there are too many");
      return "ignored";
    }
    const query = this.#options.presses.take(press.data);
    if (query === undefined) return "ignored";
    return this.#handovers.take({ chatId: query.chat_id, id: query.callback_query_id }, () => Promise.resolve(query));
  }

  async #message(message: SlackMessage): Promise<Taken> {
    if (!isSaidByPerson(message, this.#options.botUserId)) return "ignored";
    // A mention in a channel comes a second time, as app_mention with the same ts.
    return this.#handovers.take({ chatId: message.channel, id: message.ts }, async () => {
      const { botUserId, botToken, apiRoot, threads } = this.#options;
      const files = await this.#options.files.complete(filesOf(message));
      const isBotsThread = message.thread_ts !== undefined && threads.has(message.channel, message.thread_ts);
      const people = await this.#peopleOf(message);
      return incomingMessage(message, { botUserId, botToken, apiRoot, isBotsThread, people, files });
    });
  }

  async #peopleOf({ user, text }: SlackMessage): Promise<Map<string, Person>> {
    const ids = [...(user === undefined ? [] : [user]), ...mentionedUsers(text ?? "").slice(0, mentionedMax)];
    return new Map(await Promise.all(ids.map(async (id) => [id, await this.#options.people.find(id)] as const)));
  }
}
