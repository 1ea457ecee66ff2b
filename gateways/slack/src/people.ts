import type { WebClient } from "@slack/web-api";
import { z } from "zod";

const rememberedMax = 1_000;
const freshMs = 60 * 60_000;
/** One who could not be looked up is asked for again after this. */
const retryMs = 60_000;
/** A message must not wait for a name. */
const lookupWaitMs = 1_000;

const answer = z.object({
  user: z.object({
    name: z.string().optional(),
    real_name: z.string().optional(),
    profile: z.object({ display_name: z.string().optional(), real_name: z.string().optional() }).optional(),
  }),
});

export type Person = { readonly username?: string; readonly displayName?: string };
type Remembered = { readonly person: Promise<Person>; until: number };

/** Names of users, by users.info (scope users:read): the newest 1,000 are remembered for an hour. */
export class People {
  readonly #web: WebClient;
  readonly #remembered = new Map<string, Remembered>();

  constructor(web: WebClient) {
    this.#web = web;
  }

  /** Within a second, else without a name; never rejects. */
  async find(userId: string): Promise<Person> {
    const remembered = this.#remembered.get(userId);
    if (remembered && remembered.until > Date.now()) return within(remembered.person);
    const found: Remembered = {
      person: this.#ask(userId, () => (found.until = Date.now() + retryMs)),
      until: Date.now() + freshMs,
    };
    this.#remembered.delete(userId);
    this.#remembered.set(userId, found);
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > rememberedMax && oldest !== undefined) this.#remembered.delete(oldest);
    return within(found.person);
  }

  async #ask(userId: string, failed: () => void): Promise<Person> {
    try {
      const { user } = answer.parse(await this.#web.users.info({ user: userId }));
      const displayName = user.profile?.display_name || user.profile?.real_name || user.real_name;
      return { ...(user.name && { username: user.name }), ...(displayName && { displayName }) };
    } catch {
      // Without the scope, or while Slack is away, the id serves as the name.
      failed();
      return {};
    }
  }
}

async function within(person: Promise<Person>): Promise<Person> {
  const { promise, resolve } = Promise.withResolvers<Person>();
  const timer = setTimeout(resolve, lookupWaitMs, {});
  const found = await Promise.race([person, promise]);
  clearTimeout(timer);
  return found;
}
