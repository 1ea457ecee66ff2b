import { styleText } from "node:util";

import type { CommandContext, Output } from "./context.ts";

export type Paint = (style: "bold" | "dim" | "red" | "green" | "yellow" | "cyan", text: string) => string;

/** Colours for a terminal, unless NO_COLOR (https://no-color.org) is set to anything; plain text elsewhere. */
export function paintFor(output: Output, env: CommandContext["env"]): Paint {
  const colourful = output.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
  return colourful ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text;
}
