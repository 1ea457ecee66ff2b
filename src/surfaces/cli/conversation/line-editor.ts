import { createInterface } from "node:readline";
import { Writable } from "node:stream";

import type { Input, Output } from "../context.ts";

const promptText = "> ";
const continuedPromptText = "… ";
const historyLinesMax = 1000;

export type EditorEvents = {
  /** `visible`: the person saw it being typed, so it need not be repeated. */
  onMessage(text: string, visible: boolean): void;
  onInterrupt(): void;
  onEnd(): void;
};

/**
 * A line at the bottom of the terminal, typed while output streams above it. In the middle of a line of output the typed
 * text is kept but hidden; it comes back, as it stands, when the line has ended. A line that ends in `\` goes on.
 */
export function createLineEditor(stdin: Input, stdout: Output, events: EditorEvents) {
  let hidden = false;
  let shown = false;
  let closed = false;
  let redraw: NodeJS.Immediate | null = null;
  const echo = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      if (hidden) done();
      else stdout.write(chunk, done);
    },
  });
  // readline asks its output for the width.
  Object.defineProperty(echo, "columns", { get: () => stdout.columns });
  const forwardResize = (): void => void echo.emit("resize");
  stdout.on("resize", forwardResize);
  const readline = createInterface({
    input: stdin,
    output: echo,
    terminal: true,
    prompt: promptText,
    historySize: historyLinesMax,
  });

  const before: string[] = [];
  readline.on("line", (line) => {
    const visible = !hidden;
    shown = false;
    if (line.endsWith("\\")) {
      before.push(line.slice(0, -1));
      readline.setPrompt(continuedPromptText);
      schedule();
      return;
    }
    const text = [...before.splice(0), line].join("\n");
    readline.setPrompt(promptText);
    schedule();
    if (text.trim() !== "") events.onMessage(text, visible);
  });
  readline.on("SIGINT", () => events.onInterrupt());
  readline.on("close", () => {
    closed = true;
    if (redraw !== null) clearImmediate(redraw);
    stdout.off("resize", forwardResize);
    events.onEnd();
  });

  // Lines that come together (the past of a session) draw one prompt, not one each.
  function schedule(): void {
    if (closed || hidden || redraw !== null) return;
    redraw = setImmediate(() => {
      redraw = null;
      if (closed || hidden) return;
      shown = true;
      readline.prompt(true);
    });
  }

  return {
    /** Writes above the typed line. */
    write(text: string): void {
      if (text === "") return;
      if (shown && !closed) {
        const { rows } = readline.getCursorPos();
        stdout.write(`\r${rows > 0 ? `\u001b[${rows}A` : ""}\u001b[J`);
        shown = false;
      }
      stdout.write(text);
      hidden = !text.endsWith("\n");
      schedule();
    },
    prompt: schedule,
    close(): void {
      hidden = true;
      readline.close();
    },
  };
}
export type LineEditor = ReturnType<typeof createLineEditor>;
