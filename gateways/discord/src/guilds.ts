import { type APIRole, type GatewayGuildCreateDispatchData } from "@discordjs/core";

type Guild = {
  readonly roles: Map<string, string>;
  readonly channels: Map<string, { name: string; parentId?: string }>;
  ownRoleId?: string;
};
type Channel = { readonly id: string; readonly name?: string | null; readonly parent_id?: string | null };

/** Each guild's channels and threads, so that a flood of new threads does not grow memory: the oldest are forgotten. */
const channelsMax = 10_000;

/** Names of roles and channels, as the websocket tells them: texts hold only their ids. */
export class Guilds {
  readonly #guilds = new Map<string, Guild>();
  readonly #botId: () => string | undefined;

  constructor(botId: () => string | undefined) {
    this.#botId = botId;
  }

  joined(guild: Pick<GatewayGuildCreateDispatchData, "id" | "roles" | "channels" | "threads">): void {
    this.#guilds.set(guild.id, { roles: new Map(), channels: new Map() });
    for (const role of guild.roles) this.role(guild.id, role);
    for (const channel of [...guild.channels, ...guild.threads]) this.channel(guild.id, channel);
  }

  left(guildId: string): void {
    this.#guilds.delete(guildId);
  }

  role(guildId: string, role: Pick<APIRole, "id" | "name" | "tags">): void {
    const guild = this.#guilds.get(guildId);
    if (!guild) return;
    guild.roles.set(role.id, role.name);
    // Discord makes a role of its own for a bot that was added with permissions.
    if (role.tags?.bot_id !== undefined && role.tags.bot_id === this.#botId()) guild.ownRoleId = role.id;
  }

  channel(guildId: string | undefined, { id, name, parent_id }: Channel): void {
    const channels = this.#guilds.get(guildId ?? "")?.channels;
    if (!channels) return;
    channels.set(id, { name: name ?? id, ...(parent_id && { parentId: parent_id }) });
    const [oldest] = channels.keys();
    if (channels.size > channelsMax && oldest !== undefined) channels.delete(oldest);
  }

  channelGone(guildId: string | undefined, channelId: string): void {
    this.#guilds.get(guildId ?? "")?.channels.delete(channelId);
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
