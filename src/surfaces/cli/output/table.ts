import { terminalLine } from "../../../domain/terminal-text.ts";
import type { Paint } from "../paint.ts";

const gap = "  ";
const cellLengthMax = 60;

/** Rows under a heading, columns as wide as their widest cell; the last column is not padded. Ends with a line feed. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[], paint: Paint): string {
  const cells = rows.map((row) => row.map((cell) => terminalLine(cell, cellLengthMax)));
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join(gap);
  return `${[paint("bold", line(heading)), ...cells.map(line)].join("\n")}\n`;
}
