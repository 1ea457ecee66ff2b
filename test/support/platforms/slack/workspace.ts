import { visibleText } from "./visible-text.ts";

export type Block = { readonly type: string; readonly [key: string]: unknown };
export type Channel = { readonly id: string; readonly kind: "im" | "channel"; readonly members: Set<string> };
export type Message = {
  readonly ts: string;
  readonly channel: string;
  readonly user: string;
  text: string;
  blocks: readonly Block[];
  readonly threadTs: string | undefined;
  edits: number;
};
/** What one person is shown, and nobody else. */
export type Ephemeral = { readonly channel: string; readonly user: string; readonly text: string };
export type SharedFile = {
  readonly channel: string;
  readonly name: string;
  readonly bytes: Buffer;
  readonly comment: string;
  readonly threadTs: string | undefined;
};

export const bot = { userId: "U0BOT", botId: "B0BOT", name: "duragent", teamId: "T0TEAM", appId: "A0APP" } as const;

/** People, channels and what was said in them. */
export class Workspace {
  readonly channels = new Map<string, Channel>();
  readonly messages: Message[] = [];
  readonly ephemerals: Ephemeral[] = [];
  readonly files: SharedFile[] = [];
  /** What somebody was notified of without being meant: mentions that the bot has written. */
  readonly pings: string[] = [];
  readonly violations: string[] = [];
  /** Of files whose events say only that one may ask, by id. */
  readonly filesToAskFor = new Map<string, object>();
  /** What nobody can answer in a thread, by `ts`. */
  readonly unanswerable = new Set<string>();
  readonly #changed = new Set<() => void>();
  #count = 0;

  next(prefix: string): string {
    this.#count += 1;
    return `${prefix}${String(this.#count).padStart(8, "0")}`;
  }

  /** Unique and rising, as Slack's are within a channel. */
  nextTs(): string {
    this.#count += 1;
    return `${Math.floor(Date.now() / 1_000)}.${String(this.#count).padStart(6, "0")}`;
  }

  open(kind: Channel["kind"], members: readonly string[]): Channel {
    const id = this.next(kind === "im" ? "D" : "C");
    const channel = { id, kind, members: new Set([...members, bot.userId]) };
    this.channels.set(id, channel);
    return channel;
  }

  /** The conversation with a person, by the id of that person. */
  directChat(user: string): string | undefined {
    return [...this.channels.values()].findLast(({ kind, members }) => kind === "im" && members.has(user))?.id;
  }

  message(channel: string, ts: string): Message | undefined {
    return this.messages.find((message) => message.channel === channel && message.ts === ts);
  }

  post(message: Omit<Message, "edits">): Message {
    const posted = { ...message, edits: 0 };
    this.messages.push(posted);
    if (message.user === bot.userId) this.#seePings(message);
    this.changed();
    return posted;
  }

  edit(message: Message, text: string, blocks: readonly Block[]): void {
    message.text = text;
    message.blocks = blocks;
    message.edits += 1;
    this.#seePings(message);
    this.changed();
  }

  remove(message: Message): void {
    this.messages.splice(this.messages.indexOf(message), 1);
    this.changed();
  }

  changed(): void {
    for (const look of this.#changed) look();
  }

  /** Looks at every change until it finds something; fails after 20 s with what `failure` says. */
  async when<T>(look: () => T | undefined, failure: () => string): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const tryIt = (): void => {
      const found = look();
      if (found !== undefined) resolve(found);
    };
    const timer = setTimeout(() => reject(new Error(`${failure()}: not within 20 s`)), 20_000);
    this.#changed.add(tryIt);
    tryIt();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#changed.delete(tryIt);
    }
  }

  #seePings({ text, blocks }: Pick<Message, "text" | "blocks">): void {
    for (const each of [text, rawText({ text, blocks })]) {
      this.pings.push(...(each.match(/<[!@][^<>]*>/g) ?? []));
      if (!isVerbatim(blocks)) this.pings.push(...(visibleText(each).match(/@(channel|here|everyone)\b/g) ?? []));
    }
  }
}

/** What is shown of a message: its blocks, else its text. */
export function rawText({ text, blocks }: Pick<Message, "text" | "blocks">): string {
  const shown = blocks.flatMap((block) => {
    if (block.type === "markdown" && typeof block["text"] === "string") return [block["text"]];
    const inner = block["text"];
    return isTextObject(inner) ? [inner.text] : [];
  });
  return blocks.length > 0 ? shown.join("\n") : text;
}

/** A bare @channel is read as a mention unless a text says that it is verbatim. */
function isVerbatim(blocks: readonly Block[]): boolean {
  return blocks.every(({ text }) => !isTextObject(text) || text.verbatim === true);
}

function isTextObject(value: unknown): value is { text: string; verbatim?: unknown } {
  return typeof value === "object" && value !== null && "text" in value && typeof value.text === "string";
}
