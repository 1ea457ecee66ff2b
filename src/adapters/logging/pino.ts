import { mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { isatty } from "node:tty";

import type { pino } from "pino";
import type { SonicBoom } from "sonic-boom";

import { mapStrings } from "../../domain/map-strings.ts";
import type { Redactor } from "../../domain/redact.ts";
import { terminalJsonText, terminalText } from "../../domain/terminal-text.ts";
import type { Log, LogFields } from "../../ports/telemetry.ts";
import { DuragentError } from "../../schema/problem.ts";
import { errorFields } from "./error-fields.ts";
import { prettyLines } from "./pretty-lines.ts";

export type LogSettings = {
  level: "trace" | "debug" | "info" | "warn" | "error" | "silent";
  /** `auto`: pretty where stderr is a terminal, JSON otherwise. Pretty needs the package pino-pretty, else it is JSON. */
  format: "auto" | "json" | "pretty";
  /** Absolute path; without it lines go to stderr. */
  file?: string | undefined;
  /** Applied to every message and field before it is written. */
  redactor: Pick<Redactor, "text">;
};

/** The log of one process. Children made earlier follow `configure`, too. */
export type OwnedLog = Log & {
  /** Takes effect from the next line on; what was open is written out and closed. Throws as `openLog`. */
  configure(settings: LogSettings): Promise<void>;
  /** Resolves when every line has been handed to the operating system. */
  close(): Promise<void>;
};

type Level = "debug" | "info" | "warn" | "error";
/** `show` makes of a text what may be written: without secrets and, for a terminal, without control characters. */
type Sink = { logger: pino.Logger; show(this: void, text: string): string; close(): Promise<void> };

const stderr = 2;
/** Lines that wait for a disk or a terminal that does not take them; beyond, lines are dropped and counted. */
const waitingBytesMax = 16 * 1024 * 1024;
/** How long the last lines get to be written. */
const closeMsMax = 1_000;

/** Throws DuragentError `storage-failed` if the file can not be opened. */
export async function openLog(settings: LogSettings): Promise<OwnedLog> {
  let sink = await openSink(settings);
  const logWith = (bound: LogFields): Log => {
    const write = (level: Level, fields: LogFields, message: string): void => {
      const { logger, show } = sink;
      if (!logger.isLevelEnabled(level)) return;
      logger[level](mapStrings(plainFields({ ...bound, ...fields }), show, "…"), show(message));
    };
    return {
      debug: (fields, message) => write("debug", fields, message),
      info: (fields, message) => write("info", fields, message),
      warn: (fields, message) => write("warn", fields, message),
      error: (fields, message) => write("error", fields, message),
      child: (fields) => logWith({ ...bound, ...fields }),
    };
  };
  return {
    ...logWith({}),
    async configure(changed) {
      const before = sink;
      sink = await openSink(changed);
      await before.close();
    },
    close: () => sink.close(),
  };
}

function plainFields(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, value instanceof Error ? errorFields(value) : value]),
  );
}

async function openSink({ level, format, file, redactor }: LogSettings): Promise<Sink> {
  const [{ pino }, { default: boom }] = await Promise.all([import("pino"), import("sonic-boom")]);
  // Not pino.destination(): at exit it waits for ever for a terminal that has gone.
  const destination = new boom.SonicBoom({
    fd: file === undefined ? stderr : openedFile(file),
    // Waiting for a slow terminal or disk would stop every session: lines queue up.
    sync: false,
    maxLength: waitingBytesMax,
  });
  // A log that can not be written must not take the program with it; the lines wait, then count as dropped.
  destination.on("error", () => undefined);

  const terminal = file === undefined && isatty(stderr);
  const pretty = format === "pretty" || (format === "auto" && terminal);
  const lines = pretty ? await prettyLines({ colors: terminal && !process.env["NO_COLOR"] }) : undefined;
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      // Errors are plain fields by now; pino would join the messages of a chain into one.
      serializers: { err: (fields: unknown) => fields },
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => void destination.write(lines === undefined ? terminalJsonText(line) : lines(line)) },
  );
  reportDropped(destination, logger);
  return {
    logger,
    show: lines === undefined ? (text) => redactor.text(text) : (text) => terminalText(redactor.text(text)),
    close: async () => {
      const closed = new Promise<void>((resolve) => destination.once("close", resolve));
      destination.end();
      // A terminal that has gone takes no last lines and never says so.
      const givenUp = setTimeout(() => destination.destroy(), closeMsMax);
      await closed;
      clearTimeout(givenUp);
    },
  };
}

/** Opened here and not by pino: a file of its own that it could not open makes it throw when the process exits. */
function openedFile(file: string): number {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    return openSync(file, "a", 0o600);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DuragentError(
      "storage-failed",
      `The log file ${file} can not be opened (${reason}). Check logging.file in duragent.yaml.`,
      { cause },
    );
  }
}

function reportDropped(destination: SonicBoom, logger: pino.Logger): void {
  let dropped = 0;
  destination.on("drop", () => dropped++);
  destination.on("drain", () => {
    if (dropped === 0) return;
    const lines = dropped;
    dropped = 0;
    logger.warn({ lines }, "log lines were dropped: they came faster than they could be written");
  });
}
