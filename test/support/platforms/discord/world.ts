import { EventEmitter } from "node:events";

/** Users, guilds, channels and messages of a Discord of its own. Shapes: https://discord.com/developers/docs/resources */
export type User = { id: string; username: string; global_name: string | null; bot?: boolean };
export type Guild = { id: string; name: string; roleId: string };
export type Channel = {
  id: string;
  type: number;
  name: string;
  guildId?: string;
  parentId?: string;
  /** Of direct messages: with whom. */
  recipientId?: string;
};
export type Button = { type: 2; style: number; label: string; custom_id: string };
export type Row = { type: 1; components: Button[] };
export type Attachment = { id: string; filename: string; size: number; url: string; content_type?: string };
export type Message = {
  id: string;
  channelId: string;
  author: User;
  type: number;
  content: string;
  components: Row[];
  attachments: Attachment[];
  flags: number;
  replyTo?: string;
  nonce?: string;
  edits: number;
  /** Who was notified: user ids, role ids, `everyone`. */
  pings: string[];
  /** What only some messages have: stickers, embeds, polls, forwarded messages. */
  extras: Record<string, unknown>;
};
export type Event = { t: string; d: Record<string, unknown>; guildId?: string };
export type Interaction = {
  id: string;
  token: string;
  atMs: number;
  answeredAtMs?: number;
  followedUp: (text: string) => void;
};

export const channelTypes = { text: 0, dm: 1, publicThread: 11 } as const;
export const messageTypes = { default: 0, reply: 19, threadStarter: 21 } as const;
const discordEpochMs = 1_420_070_400_000n;

/** Emits `event` for the websocket, `message` for whoever waits for one. */
export class DiscordWorld extends EventEmitter<{ event: [Event]; message: [Message]; typing: [string] }> {
  readonly token = "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.canary-discord-token";
  readonly bot: User;
  readonly applicationId: string;
  readonly users = new Map<string, User>();
  readonly guilds = new Map<string, Guild>();
  readonly channels = new Map<string, Channel>();
  readonly messages = new Map<string, Message>();
  /** Channels in which the bot may not read what was said. */
  readonly channelsWithoutHistory = new Set<string>();
  readonly interactions = new Map<string, Interaction>();
  readonly typings: string[] = [];
  /** As if every press came more than 3 s ago. */
  interactionsLate = false;
  #count = 0n;

  constructor() {
    super();
    this.setMaxListeners(0);
    this.applicationId = this.snowflake();
    this.bot = { id: this.snowflake(), username: "Dura", global_name: null, bot: true };
    this.users.set(this.bot.id, this.bot);
  }

  snowflake(): string {
    this.#count += 1n;
    return (((BigInt(Date.now()) - discordEpochMs) << 22n) | (this.#count & 0x3f_ffffn)).toString();
  }

  user(id: string): User {
    const known = this.users.get(id);
    if (known) return known;
    const name = /^\d+$/.test(id) ? `person${id}` : id;
    const user = { id, username: name, global_name: null };
    this.users.set(id, user);
    return user;
  }

  addGuild(name: string): Guild {
    const guild = { id: this.snowflake(), name, roleId: this.snowflake() };
    this.guilds.set(guild.id, guild);
    return guild;
  }

  addChannel(channel: Omit<Channel, "id"> & { id?: string }): Channel {
    const added = { ...channel, id: channel.id ?? this.snowflake() };
    this.channels.set(added.id, added);
    return added;
  }

  /** There may be several with one person here, each for a test of its own; a bot is given the newest. */
  openDm(user: string): Channel {
    return this.addChannel({ type: channelTypes.dm, name: this.user(user).username, recipientId: user });
  }

  addMessage(message: Omit<Message, "id" | "edits">): Message {
    const added = { ...message, id: this.snowflake(), edits: 0 };
    this.messages.set(added.id, added);
    this.emit("message", added);
    return added;
  }

  /** Also those of the channel's threads, oldest first. */
  messagesIn(channelId: string): Message[] {
    return [...this.messages.values()].filter(
      (message) => message.channelId === channelId || this.channels.get(message.channelId)?.parentId === channelId,
    );
  }

  changed(message: Message): void {
    this.emit("message", message);
  }

  typed(channelId: string): void {
    this.typings.push(channelId);
    this.emit("typing", channelId);
  }

  tell(event: Event): void {
    this.emit("event", event);
  }
}
