/** Slack's markup as people read it: marks and addresses behind labels taken away, entities decoded. */
export function visibleText(mrkdwn: string): string {
  return mrkdwn
    .split(/```\n?([^]*?)\n?```/)
    .map((piece, index) => (index % 2 === 1 ? decoded(piece) : withoutMarks(piece)))
    .join("")
    .replaceAll("\u200B", "");
}

function withoutMarks(text: string): string {
  return text
    .split(/(`[^`\n]+`)/)
    .map((piece, index) => (index % 2 === 1 ? decoded(piece.slice(1, -1)) : decoded(bare(piece))))
    .join("");
}

function bare(text: string): string {
  let shown = text.replaceAll(
    /<([^<>|]*)(?:\|([^<>]*))?>/g,
    (_, target: string, label: string | undefined) => label ?? target,
  );
  for (const mark of ["\\*", "_", "~"]) {
    shown = shown.replaceAll(
      new RegExp(`(?<![\\p{L}\\p{N}])${mark}(?=\\S)([^\\n]*?\\S)${mark}(?![\\p{L}\\p{N}])`, "gu"),
      "$1",
    );
  }
  return shown.replaceAll(/^> ?/gm, "");
}

function decoded(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
