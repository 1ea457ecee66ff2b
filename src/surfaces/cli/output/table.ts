import { terminalLine } from "../../../domain/terminal-text.ts";
import type { Output } from "../context.ts";
import { paintFor } from "../paint.ts";

const gap = "  ";
const cellLengthMax = 60;

/**
 * Rows under a heading, columns as wide as their widest cell; the last column is not padded. Only at a terminal are cells
 * cut: a program that reads them needs the whole.
 */
export function writeTable(
  output: Output,
  env: Readonly<Record<string, string | undefined>>,
  { heading, rows }: { heading: readonly string[]; rows: readonly (readonly string[])[] },
): void {
  const lengthMax = output.isTTY === true ? cellLengthMax : Number.POSITIVE_INFINITY;
  const cells = rows.map((row) => row.map((cell) => terminalLine(cell, lengthMax)));
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join(gap);
  const paint = paintFor(output, env);
  output.write(`${[paint("bold", line(heading)), ...cells.map(line)].join("\n")}\n`);
}
