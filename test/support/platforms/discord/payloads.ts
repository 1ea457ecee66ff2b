import type { Channel, DiscordWorld, Guild, Message, User } from "./world.ts";

/** What Discord says of the things in its world, as its documentation has them. */
export function userPayload(user: User): Record<string, unknown> {
  return { ...user, discriminator: "0", avatar: null };
}

export function messagePayload(world: DiscordWorld, message: Message): Record<string, unknown> {
  const { guildId } = world.channels.get(message.channelId) ?? {};
  const replied = message.replyTo === undefined ? undefined : world.messages.get(message.replyTo);
  const mentioned = [...message.content.matchAll(/<@!?(\w+)>/g)].map(([, id = ""]) => id);
  return {
    id: message.id,
    channel_id: message.channelId,
    author: userPayload(message.author),
    content: message.content,
    timestamp: new Date().toISOString(),
    edited_timestamp: null,
    tts: false,
    mention_everyone: /@(?:everyone|here)/.test(message.content),
    mentions: [...new Set(mentioned)].filter((id) => world.users.has(id)).map((id) => userPayload(world.user(id))),
    mention_roles: [...message.content.matchAll(/<@&(\w+)>/g)].map(([, id]) => id),
    attachments: message.attachments,
    embeds: [],
    pinned: false,
    type: message.type,
    flags: message.flags,
    components: message.components,
    ...(message.nonce !== undefined && { nonce: message.nonce }),
    ...(message.replyTo !== undefined && {
      message_reference: { type: 0, message_id: message.replyTo, channel_id: message.channelId },
      referenced_message: replied ? messagePayload(world, replied) : null,
    }),
    ...(guildId !== undefined && {
      guild_id: guildId,
      member: { nick: null, roles: [], joined_at: "2024-01-01T00:00:00.000Z", deaf: false, mute: false, flags: 0 },
    }),
    ...message.extras,
  };
}

export function channelPayload(channel: Channel): Record<string, unknown> {
  return {
    id: channel.id,
    type: channel.type,
    name: channel.name,
    ...(channel.guildId !== undefined && { guild_id: channel.guildId }),
    ...(channel.parentId !== undefined && { parent_id: channel.parentId }),
  };
}

export function guildPayload(world: DiscordWorld, guild: Guild): Record<string, unknown> {
  const channels = [...world.channels.values()].filter(({ guildId }) => guildId === guild.id);
  return {
    id: guild.id,
    name: guild.name,
    unavailable: false,
    roles: [
      { id: guild.id, name: "@everyone" },
      { id: guild.roleId, name: world.bot.username, tags: { bot_id: world.bot.id } },
    ],
    channels: channels.filter(({ parentId }) => parentId === undefined).map(channelPayload),
    threads: channels.filter(({ parentId }) => parentId !== undefined).map(channelPayload),
    members: [],
  };
}
