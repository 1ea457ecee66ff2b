import type { BotMessage, TestChat } from "../test-platform.ts";
import { channelPayload, messagePayload, userPayload } from "./payloads.ts";
import { channelTypes, messageTypes, type Channel, type DiscordWorld, type Event, type Message } from "./world.ts";

const waitMs = 20_000;
/** How long the presser of a button waits for words after the press was taken. */
const answerMs = 5_000;

type Deliver = (event: Event) => Promise<void>;
type SayOptions = Parameters<TestChat["say"]>[2] & Partial<Pick<Message, "type" | "attachments" | "extras">>;

/** A channel with people in it. */
export class DiscordChat implements TestChat {
  readonly id: string;
  readonly #world: DiscordWorld;
  readonly #channel: Channel;
  readonly #deliver: Deliver;
  /** What a test calls a thread, and its channel. */
  readonly #threads = new Map<string, Channel>();

  constructor(world: DiscordWorld, channel: Channel, deliver: Deliver) {
    this.id = channel.id;
    this.#world = world;
    this.#channel = channel;
    this.#deliver = deliver;
  }

  async say(user: string, text: string, options: SayOptions = {}): Promise<string> {
    const { mention, replyTo, threadId, type, attachments = [], extras = {} } = options;
    const channel = threadId === undefined ? this.#channel : this.#thread(threadId);
    const message = this.#world.addMessage({
      channelId: channel.id,
      author: this.#world.user(user),
      type: type ?? (replyTo === undefined ? messageTypes.default : messageTypes.reply),
      content: mention ? `<@${this.#world.bot.id}> ${text}` : text,
      components: [],
      attachments,
      flags: 0,
      ...(replyTo !== undefined && { replyTo }),
      pings: [],
      extras,
    });
    await this.#deliver(this.#event("MESSAGE_CREATE", messagePayload(this.#world, message)));
    return message.id;
  }

  messages(): readonly BotMessage[] {
    const { messages, bot } = this.#world;
    return [...messages.values()]
      .filter(({ author, channelId }) => author.id === bot.id && this.#isHere(channelId))
      .map((message) => this.#asSeen(message));
  }

  async waitFor(what: string, is: (message: BotMessage) => boolean): Promise<BotMessage> {
    const found = Promise.withResolvers<BotMessage>();
    const look = (): void => {
      const message = this.messages().find(is);
      if (message) found.resolve(message);
    };
    const timer = setTimeout(() => {
      found.reject(new Error(`${what}: not within ${waitMs} ms. There is: ${JSON.stringify(this.messages())}`));
    }, waitMs);
    this.#world.on("message", look);
    try {
      look();
      return await found.promise;
    } finally {
      clearTimeout(timer);
      this.#world.off("message", look);
    }
  }

  async press(user: string, message: BotMessage, caption: string): Promise<string | undefined> {
    const there = this.#world.messages.get(message.id);
    const button = there?.components.flatMap(({ components }) => components).find(({ label }) => label === caption);
    if (!there || !button) throw new Error(`no button ${caption} under message ${message.id}`);
    return this.pressOf(user, there, button.custom_id);
  }

  /** Also of a button that is not there any more, as an old client does. */
  async pressOf(user: string, message: Message, customId: string): Promise<string | undefined> {
    const answered = Promise.withResolvers<string | undefined>();
    const world = this.#world;
    const id = world.snowflake();
    const token = `aW50ZXJhY3Rpb246${id}`;
    world.interactions.set(id, {
      id,
      token,
      atMs: performance.now() - (world.interactionsLate ? 4_000 : 0),
      followedUp: answered.resolve,
    });
    const person = userPayload(world.user(user));
    const channel = world.channels.get(message.channelId) ?? this.#channel;
    await this.#deliver(
      this.#event("INTERACTION_CREATE", {
        id,
        application_id: world.applicationId,
        type: 3,
        token,
        version: 1,
        data: { component_type: 2, custom_id: customId },
        channel_id: message.channelId,
        channel: channelPayload(channel),
        message: messagePayload(world, message),
        ...(channel.guildId === undefined
          ? { user: person }
          : { guild_id: channel.guildId, member: { user: person, nick: null, roles: [] } }),
      }),
    );
    const timer = setTimeout(() => answered.resolve(undefined), answerMs);
    const answer = await answered.promise;
    clearTimeout(timer);
    return answer;
  }

  get typings(): number {
    return this.#world.typings.filter((channelId) => this.#isHere(channelId)).length;
  }

  #isHere(channelId: string): boolean {
    return channelId === this.id || this.#world.channels.get(channelId)?.parentId === this.id;
  }

  #thread(name: string): Channel {
    const known = this.#threads.get(name);
    if (known) return known;
    const { guildId } = this.#channel;
    if (guildId === undefined) throw new Error("Discord has no threads in direct messages");
    // A thread that was opened on a message has the message's id.
    const id = /^\d{17,19}$/.test(name) ? { id: name } : {};
    const type = channelTypes.publicThread;
    const thread = this.#world.addChannel({ ...id, type, name: "thread", guildId, parentId: this.id });
    this.#threads.set(name, thread);
    this.#world.tell(this.#event("THREAD_CREATE", { ...channelPayload(thread), newly_created: true }));
    return thread;
  }

  #event(t: string, d: Record<string, unknown>): Event {
    const { guildId } = this.#channel;
    return { t, d, ...(guildId !== undefined && { guildId }) };
  }

  #asSeen(message: Message): BotMessage {
    const thread = [...this.#threads].find(([, { id }]) => id === message.channelId);
    return {
      id: message.id,
      text: withoutMarks(message.content),
      raw: message.content,
      buttons: message.components.map(({ components }) => components.map(({ label }) => label)),
      ...(message.replyTo !== undefined && { replyTo: message.replyTo }),
      ...(thread && { threadId: thread[0] }),
      edits: message.edits,
    };
  }
}

/** Markdown as Discord shows it, without its looks. */
function withoutMarks(markdown: string): string {
  return markdown
    .replaceAll(/^[ \t]*```[^\n`]*$\n?/gm, "")
    .replaceAll(/\*\*|__|~~|\|\||`/g, "")
    .replaceAll(/(?<![\w*])\*(?=\S)|(?<=\S)\*(?![\w*])/g, "")
    .replaceAll(/^#{1,3} /gm, "")
    .replaceAll(/\\([*_~`|\\])/g, "$1")
    .trim();
}
