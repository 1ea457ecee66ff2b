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
  // What readline draws reaches the terminal only while the prompt stands there: else it would be in the midst of output.
  let shown = false;
  let midLine = false;
  let closed = false;
  let redraw: NodeJS.Immediate | null = null;
  const echo = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      // Not handed on with `done`: what readline writes next would wait, and be judged by a later state.
      if (shown) stdout.write(chunk);
      done();
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

  const erase = (): void => {
    if (!shown) return;
    const { rows } = readline.getCursorPos();
    stdout.write(`\r${rows > 0 ? `\u001b[${rows}A` : ""}\u001b[J`);
    shown = false;
  };
  // Lines that come together (the past of a session) draw one prompt, not one each.
  const schedule = (): void => {
    redraw ??= setImmediate(() => {
      redraw = null;
      if (closed || midLine || shown) return;
      shown = true;
      readline.prompt(true);
    });
  };

  const before: string[] = [];
  readline.on("line", (line) => {
    const visible = shown;
    shown = false;
    schedule();
    if (line.endsWith("\\")) {
      before.push(line.slice(0, -1));
      readline.setPrompt(continuedPromptText);
      return;
    }
    readline.setPrompt(promptText);
    const text = [...before.splice(0), line].join("\n");
    if (text.trim() !== "") events.onMessage(text, visible);
  });
  readline.on("SIGINT", () => events.onInterrupt());
  readline.on("close", () => {
    erase();
    closed = true;
    stdout.off("resize", forwardResize);
    events.onEnd();
  });

  return {
    /** Writes above the typed line. */
    write(text: string): void {
      if (text === "") return;
      erase();
      stdout.write(text);
      midLine = !text.endsWith("\n");
      if (!midLine) schedule();
    },
    prompt: schedule,
    close(): void {
      readline.close();
    },
  };
}
export type LineEditor = ReturnType<typeof createLineEditor>;
