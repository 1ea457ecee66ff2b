import type { Readable } from "node:stream";

import { terminalText } from "../../domain/terminal-text.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/telemetry.ts";
import { boundedLines } from "../bounded-lines.ts";
import { releaseMemory } from "../release-memory.ts";

const lineBytesMax = 64 * 1024;
const shownLengthMax = 2_000;
const linesPerSecondMax = 50;
const bytesPerSecondMax = 4 * 1024 * 1024;

type Parts = {
  clock: Clock;
  log: Log;
  /** Without secrets. */ redact(text: string): string;
  onLine(line: string): void;
};

/**
 * What a gateway says on stderr goes to the server's log, 50 lines a second at most: the rest is counted and left out, since a
 * program whose stderr is not read would stop. One that writes more than 4 MiB a second has to wait all the same.
 */
export function logStderr(stderr: Readable, { clock, log, redact, onLine }: Parts): void {
  let lines = 0;
  let bytes = 0;
  const startSecond = (): void => {
    clock.after(1_000, () => {
      if (lines > linesPerSecondMax)
        log.warn({ lines: lines - linesPerSecondMax }, "more lines of a gateway's log were left out: it says too many");
      lines = 0;
      bytes = 0;
      if (stderr.isPaused()) stderr.resume();
    });
  };
  const take = boundedLines(lineBytesMax, (line) => {
    if (line?.trim() === "") return;
    lines += 1;
    if (lines > linesPerSecondMax) return;
    if (line === null)
      return log.info({ line_bytes_max: lineBytesMax }, "a gateway's log line was too long and left out");
    const shown = terminalText(redact(line.trimEnd())).slice(0, shownLengthMax);
    onLine(shown);
    log.info({ line: shown }, "gateway says");
  });
  stderr.on("data", (chunk: Buffer) => {
    if (bytes === 0) startSecond();
    bytes += chunk.length;
    take(chunk);
    releaseMemory(chunk);
    if (bytes >= bytesPerSecondMax) stderr.pause();
  });
  stderr.once("end", () => take(Buffer.from("\n")));
}
