/** Slack's `<…>` and its three entities as people read them. https://docs.slack.dev/messaging/formatting-message-text */
export function plainText(text: string, nameOf: (userId: string) => string | undefined): string {
  return text.replaceAll(
    /<([^<>]*)>|&(amp|lt|gt);/g,
    (whole, inside: string | undefined, entity: string | undefined) => {
      if (entity !== undefined) return characters[entity] ?? whole;
      return inside === undefined || inside === "" ? whole : unescaped(readable(inside, nameOf));
    },
  );
}

/** Ids of the users that a text names, each once. */
export function mentionedUsers(text: string): string[] {
  return [...new Set(Array.from(text.matchAll(/<@([A-Z0-9]+)(?:\|[^<>]*)?>/g), ([, id = ""]) => id))];
}

/** Without a mention of `userId` before something else: it says whom is meant, and a command must begin with its slash. */
export function withoutLeadingMention(text: string, userId: string): string {
  const mention = /^\s*<@([A-Z0-9]+)(?:\|[^<>]*)?>[\s,:]*(?=\S)/.exec(text);
  return mention?.[1] === userId ? text.slice(mention[0].length) : text;
}

const characters: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">" };

function unescaped(text: string): string {
  return text.replaceAll(/&(amp|lt|gt);/g, (entity, name: string) => characters[name] ?? entity);
}

function readable(inside: string, nameOf: (userId: string) => string | undefined): string {
  const bar = inside.indexOf("|");
  const target = bar === -1 ? inside : inside.slice(0, bar);
  const label = bar === -1 ? "" : inside.slice(bar + 1);
  switch (target[0]) {
    case "@":
      return `@${nameOf(target.slice(1)) ?? (label || target.slice(1))}`;
    case "#":
      return `#${label || target.slice(1)}`;
    case "!": {
      const [command = "", id = ""] = target.slice(1).split("^");
      if (command === "date") return label || id;
      if (command === "subteam") return label || `@${id}`;
      return `@${command}`;
    }
    default:
      return label === "" || isSame(label, target) ? withoutMailto(target) : `${label} (${target})`;
  }
}

function isSame(label: string, target: string): boolean {
  return [target, target.replace(/^[a-z]+:(\/\/)?/i, "")].includes(label);
}

function withoutMailto(target: string): string {
  return target.replace(/^mailto:/, "");
}
