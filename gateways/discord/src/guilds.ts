import {
  GatewayDispatchEvents,
  type API,
  type APIRole,
  type GatewayDispatchPayload,
  type GatewayGuildCreateDispatchData,
} from "@discordjs/core";
import { errorText } from "@duragent/gateway-protocol";

type Guild = {
  readonly roles: Map<string, string>;
  readonly channels: Map<string, { name: string; parentId?: string }>;
  ownRoleId?: string;
};
type Channel = { readonly id: string; readonly name?: string | null; readonly parent_id?: string | null };

/** Each guild's channels and threads, so that a flood of new threads does not grow memory: the oldest are forgotten. */
const channelsMax = 10_000;
/** Messages go without names meanwhile. */
const askAgainMs = 60_000;

type GuildParts = Pick<GatewayGuildCreateDispatchData, "roles" | "channels" | "threads">;

/** Names of roles and channels: texts hold only their ids. */
export class Guilds {
  readonly #botId: string;
  readonly #api: API["guilds"];
  readonly #log: (message: string) => void;
  readonly #guilds = new Map<string, Guild>();
  readonly #asked = new Map<string, Promise<void>>();

  constructor(botId: string, api: API["guilds"], log: (message: string) => void) {
    this.#botId = botId;
    this.#api = api;
    this.#log = log;
  }

  /** The websocket tells them at the start; of a session that another run of this program began they are asked for. */
  async know(guildId: string | undefined): Promise<void> {
    if (guildId === undefined || this.#guilds.has(guildId)) return;
    const asked = this.#asked.get(guildId) ?? this.#ask(guildId);
    this.#asked.set(guildId, asked);
    await asked;
    this.#asked.delete(guildId);
  }

  take(event: GatewayDispatchPayload): void {
    switch (event.t) {
      case GatewayDispatchEvents.GuildCreate:
        return this.#joined(event.d.id, event.d);
      case GatewayDispatchEvents.GuildDelete:
        // Not while Discord only fails to reach it.
        if (!event.d.unavailable) this.#guilds.delete(event.d.id);
        return;
      case GatewayDispatchEvents.GuildRoleCreate:
      case GatewayDispatchEvents.GuildRoleUpdate:
        return this.#role(event.d.guild_id, event.d.role);
      case GatewayDispatchEvents.ChannelCreate:
      case GatewayDispatchEvents.ChannelUpdate:
      case GatewayDispatchEvents.ThreadCreate:
      case GatewayDispatchEvents.ThreadUpdate:
        if ("guild_id" in event.d && event.d.guild_id !== undefined) this.#channel(event.d.guild_id, event.d);
        return;
      case GatewayDispatchEvents.ChannelDelete:
      case GatewayDispatchEvents.ThreadDelete:
        if ("guild_id" in event.d) this.#guilds.get(event.d.guild_id ?? "")?.channels.delete(event.d.id);
        return;
      default:
    }
  }

  async #ask(guildId: string): Promise<void> {
    const nothing: GuildParts = { roles: [], channels: [], threads: [] };
    try {
      const [roles, channels, active] = await Promise.all([
        this.#api.getRoles(guildId),
        this.#api.getChannels(guildId),
        this.#api.getActiveThreads(guildId),
      ]);
      this.#joined(guildId, nothing);
      for (const role of roles) this.#role(guildId, role);
      for (const channel of [...channels, ...active.threads]) this.#channel(guildId, channel);
    } catch (error) {
      this.#log(`names in a guild are not known: ${errorText(error)}`);
      this.#joined(guildId, nothing);
      const unknown = this.#guilds.get(guildId);
      setTimeout(() => {
        if (this.#guilds.get(guildId) === unknown) this.#guilds.delete(guildId);
      }, askAgainMs).unref();
    }
  }

  #joined(guildId: string, { roles, channels, threads }: GuildParts): void {
    this.#guilds.set(guildId, { roles: new Map(), channels: new Map() });
    for (const role of roles) this.#role(guildId, role);
    for (const channel of [...channels, ...threads]) this.#channel(guildId, channel);
  }

  #role(guildId: string, role: Pick<APIRole, "id" | "name" | "tags">): void {
    const guild = this.#guilds.get(guildId);
    if (!guild) return;
    guild.roles.set(role.id, role.name);
    // Discord makes a role of its own for a bot that was added with permissions.
    if (role.tags?.bot_id === this.#botId) guild.ownRoleId = role.id;
  }

  #channel(guildId: string, { id, name, parent_id }: Channel): void {
    const channels = this.#guilds.get(guildId)?.channels;
    if (!channels) return;
    channels.set(id, { name: name ?? id, ...(parent_id && { parentId: parent_id }) });
    const [oldest] = channels.keys();
    if (channels.size > channelsMax && oldest !== undefined) channels.delete(oldest);
  }

  ownRole(guildId: string | undefined): string | undefined {
    return this.#guilds.get(guildId ?? "")?.ownRoleId;
  }

  roleName(guildId: string | undefined, roleId: string): string | undefined {
    return this.#guilds.get(guildId ?? "")?.roles.get(roleId);
  }

  channelName(guildId: string | undefined, channelId: string): string | undefined {
    return this.#guilds.get(guildId ?? "")?.channels.get(channelId)?.name;
  }

  /** Of a thread: the channel it hangs under. Of a channel: its category. */
  parentOf(guildId: string | undefined, channelId: string): string | undefined {
    return this.#guilds.get(guildId ?? "")?.channels.get(channelId)?.parentId;
  }
}
