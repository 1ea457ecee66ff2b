import fc from "fast-check";

const words = fc
  .array(fc.lorem({ maxCount: 60, size: "max" }), { maxLength: 12, size: "max" })
  .map((lines) => lines.join(" "));
const block = fc
  .tuple(fc.constantFrom("```", "~~~", "````"), fc.constantFrom("", "js", "python"), words)
  .map(([mark, language, text]) => `${mark}${language}\n${text.replaceAll(". ", "\n  ")}\n${mark}`);
const inline = fc
  .tuple(fc.constantFrom("**", "_", "~~", "`", "||", "<u>"), words)
  .map(([mark, text]) => (text === "" ? "" : `${mark}${text}${mark}`));
const line = fc.tuple(fc.constantFrom("# ", "- ", "1. ", "> ", "  - ", "| "), words).map((pair) => pair.join(""));
const emoji = fc.string({
  unit: fc.constantFrom("😀", "👨‍👩‍👧", "e\u0301", "漢", "\u202E", "\u0000", "a"),
  maxLength: 300,
  size: "max",
});

/** As models write it. */
export const usualMarkdown = fc
  .array(fc.oneof(words, block, inline, line), { maxLength: 10, size: "max" })
  .map((blocks) => blocks.join("\n\n"));

/** As nobody does who means well: halves of marks, tags and surrogate pairs. */
export const hostileMarkdown = fc.oneof(
  emoji,
  fc
    .array(
      fc.constantFrom(
        ...Array.from("`*_~|<>&[]()!#\n \\"),
        "```",
        "\n\n",
        "**",
        "<b>",
        "</b>",
        "<u>",
        "</u>",
        "<!--",
        "&lt",
        "&#0;",
        "&#xD800;",
        "[x](http://a.b)",
        "[x](<http://a b>)",
        "\n> ",
        "\n- ",
        "\n| a | b |\n|---|---|\n",
        "😀",
        "\uD83D",
        "word",
        "\u0000",
      ),
      { maxLength: 400, size: "max" },
    )
    .map((pieces) => pieces.join("")),
);
