/** Who and what the ids in a text are. */
export type Names = {
  readonly bot: { readonly id: string; readonly name: string; readonly roleId?: string | undefined };
  user(id: string): string | undefined;
  role(id: string): string | undefined;
  channel(id: string): string | undefined;
};

/**
 * What someone wrote, as people see it: names for ids. A mention of the bot at the start is how it is addressed and is
 * taken away, unless nothing else was said. https://discord.com/developers/docs/reference#message-formatting
 */
export function readableText(content: string, names: Names): string {
  const { bot } = names;
  const own = new RegExp(`^(?:\\s*(?:<@!?${bot.id}>${bot.roleId ? `|<@&${bot.roleId}>` : ""})[\\s,:]*)+`);
  const said = content.replace(own, "").trim();
  return withNames(said === "" ? content.trim() : said, names);
}

function withNames(text: string, names: Names): string {
  return text
    .replaceAll(/<@!?(\w+)>/g, (whole, id: string) => {
      const name = id === names.bot.id ? names.bot.name : names.user(id);
      return name === undefined ? whole : `@${name}`;
    })
    .replaceAll(/<@&(\w+)>/g, (whole, id: string) => prefixed("@", names.role(id)) ?? whole)
    .replaceAll(/<#(\w+)>/g, (whole, id: string) => prefixed("#", names.channel(id)) ?? whole)
    .replaceAll(/<a?:(\w+):\d+>/g, ":$1:")
    .replaceAll(/<\/([^:>]+):\d+>/g, "/$1")
    .replaceAll(/<t:(-?\d{1,12})(?::\w)?>/g, (_, seconds: string) => new Date(Number(seconds) * 1_000).toISOString());
}

function prefixed(mark: string, name: string | undefined): string | undefined {
  return name === undefined ? undefined : mark + name;
}
