import { Refusal } from "./refusal.ts";

export type Entity = { type: string; offset: number; length: number; url?: string; language?: string };

const entityOfTag: Readonly<Record<string, string>> = {
  b: "bold",
  strong: "bold",
  i: "italic",
  em: "italic",
  u: "underline",
  ins: "underline",
  s: "strikethrough",
  strike: "strikethrough",
  del: "strikethrough",
  "tg-spoiler": "spoiler",
  a: "text_link",
  code: "code",
  pre: "pre",
  blockquote: "blockquote",
};
const named: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"' };

/**
 * What Telegram makes of `parse_mode: HTML` (core.telegram.org/bots/api#html-style): text and entities, in UTF-16 units.
 * Throws a Refusal as it does: for a tag it does not know, one that is not closed, one closed in the wrong order.
 */
export function parseHtml(html: string): { text: string; entities: Entity[] } {
  let text = "";
  const entities: Entity[] = [];
  const open: { tag: string; attributes: Record<string, string>; from: number; at: number }[] = [];
  for (let at = 0; at < html.length;) {
    const rest = html.slice(at);
    const entity = /^&(?:#x([\da-f]+)|#(\d+)|(lt|gt|amp|quot));/i.exec(rest);
    if (entity) {
      const [whole, hex, decimal, name] = entity;
      text += name ? named[name.toLowerCase()] : String.fromCodePoint(hex ? Number.parseInt(hex, 16) : Number(decimal));
      at += whole.length;
    } else if (!rest.startsWith("<")) {
      text += rest.charAt(0);
      at += 1;
    } else if (rest.startsWith("</")) {
      const [whole, tag = ""] = /^<\/([a-z\d-]*)\s*>/i.exec(rest) ?? [];
      const last = open.pop();
      if (whole === undefined || !last) throw unparsable(`unexpected end tag at byte offset ${at}`);
      if (tag !== "" && tag.toLowerCase() !== last.tag)
        throw unparsable(`unmatched end tag at byte offset ${at}, expected "</${last.tag}>", found "</${tag}>"`);
      close(last, text, entities, open.at(-1)?.tag);
      at += whole.length;
    } else {
      const [whole, tag = "", attributes = ""] = /^<([a-z\d-]+)((?:\s+[a-z-]+(?:="[^"]*")?)*)\s*>/i.exec(rest) ?? [];
      if (whole === undefined || entityOfTag[tag.toLowerCase()] === undefined)
        throw unparsable(`unsupported start tag "${tag}" at byte offset ${at}`);
      open.push({ tag: tag.toLowerCase(), attributes: attributesOf(attributes), from: text.length, at });
      at += whole.length;
    }
  }
  const left = open.at(-1);
  if (left) throw unparsable(`can't find end tag corresponding to start tag "${left.tag}"`);
  return { text, entities };
}

/** Where entities are inside of others that can not hold them: Telegram takes that and drops one of the two. */
export function wrongNesting(entities: readonly Entity[]): string | undefined {
  for (const [index, outer] of entities.entries()) {
    // What was closed before is what is inside.
    for (const inner of entities.slice(0, index)) {
      if (inner.offset < outer.offset || end(inner) > end(outer)) continue;
      if (outer.type === "code" || outer.type === "pre") return `${inner.type} inside of ${outer.type}`;
      if (outer.type === "blockquote" && inner.type === "blockquote") return "a quotation inside of a quotation";
      if (outer.type === "text_link" && ["text_link", "code", "pre"].includes(inner.type))
        return `${inner.type} inside of a link`;
      if (["code", "pre"].includes(inner.type) && outer.type !== "blockquote")
        return `${inner.type} inside of ${outer.type}`;
    }
  }
  return undefined;
}

function close(
  { tag, attributes, from }: { tag: string; attributes: Record<string, string>; from: number },
  text: string,
  entities: Entity[],
  around: string | undefined,
): void {
  const length = text.length - from;
  if (length === 0) return;
  const language = /^language-(.+)$/.exec(attributes.class ?? "")?.[1];
  if (tag === "code" && around === "pre") {
    if (language !== undefined) entities.push({ type: "pre", offset: from, length, language });
    return;
  }
  const url = attributes.href;
  const type = entityOfTag[tag] ?? "";
  const before = entities.at(-1);
  if (type === "pre" && before?.type === "pre" && before.offset === from && before.length === length) return;
  // A link to nowhere is text.
  if (type === "text_link" && (url === undefined || !/^(?:https?|tg):\/\/\S+$/.test(url))) return;
  entities.push({ type, offset: from, length, ...(type === "text_link" && { url }) });
}

function attributesOf(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/([a-z-]+)="([^"]*)"/gi)];
  return Object.fromEntries(
    pairs.map(([, name = "", value = ""]) => [
      name.toLowerCase(),
      value.replaceAll(/&(lt|gt|amp|quot);/g, (_, entity: string) => named[entity] ?? ""),
    ]),
  );
}

function end({ offset, length }: Entity): number {
  return offset + length;
}

function unparsable(why: string): Refusal {
  return new Refusal(400, `Bad Request: can't parse entities: ${why}`, { isMalformed: true });
}
