/** One formatting of Telegram's HTML; two stretches with the same object are one stretch. */
export type Mark =
  | { readonly tag: "b" | "i" | "u" | "s" | "tg-spoiler" | "code" | "blockquote" }
  | { readonly tag: "a"; readonly href: string }
  | { readonly tag: "pre"; readonly language?: string };

/** Text with what is around it, outermost first. */
export type Run = { readonly text: string; readonly marks: readonly Mark[] };

export function textOf(runs: readonly Run[]): string {
  return runs.map(({ text }) => text).join("");
}

/** A stretch in UTF-16 units of the text. */
export function sliceRuns(runs: readonly Run[], from: number, to: number): Run[] {
  const cut: Run[] = [];
  let at = 0;
  for (const { text, marks } of runs) {
    const part = text.slice(Math.max(0, from - at), Math.max(0, to - at));
    if (part !== "") cut.push({ text: part, marks });
    at += text.length;
  }
  return cut;
}

/** Telegram's HTML (core.telegram.org/bots/api#html-style): every tag closed in the order in which it was opened. */
export function toHtml(runs: readonly Run[]): string {
  let html = "";
  let open: readonly Mark[] = [];
  for (const { text, marks } of runs) {
    const kept = open.findIndex((mark, index) => mark !== marks[index]);
    const common = kept === -1 ? open.length : kept;
    html += open.slice(common).toReversed().map(closing).join("");
    html += marks.slice(common).map(opening).join("") + escapeHtml(text);
    open = marks;
  }
  return html + open.toReversed().map(closing).join("");
}

/** For a chat that does not take the HTML: the text, with the addresses of links that do not show them. */
export function toPlainText(runs: readonly Run[]): string {
  let plain = "";
  for (const [index, { text, marks }] of runs.entries()) {
    plain += text;
    const link = marks.find((mark) => mark.tag === "a");
    const goesOn = link !== undefined && runs[index + 1]?.marks.includes(link);
    if (link && !goesOn && link.href !== text) plain += ` (${link.href})`;
  }
  return plain;
}

function opening(mark: Mark): string {
  if (mark.tag === "a") return `<a href="${escapeHtml(mark.href)}">`;
  if (mark.tag !== "pre") return `<${mark.tag}>`;
  return mark.language === undefined ? "<pre>" : `<pre><code class="language-${escapeHtml(mark.language)}">`;
}

function closing(mark: Mark): string {
  return mark.tag === "pre" && mark.language !== undefined ? "</code></pre>" : `</${mark.tag}>`;
}

/** Telegram knows only these entities by name. A NUL, which JSON could carry, ends its parser's text. */
function escapeHtml(text: string): string {
  return text
    .replaceAll("\u0000", "\uFFFD")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
