import type { Log, LogFields } from "../../../src/ports/telemetry.ts";

export type CollectingLog = Log & { readonly lines: { level: string; fields: LogFields; message: string }[] };

/** A log that keeps its lines. */
export function collectingLog(): CollectingLog {
  const lines: CollectingLog["lines"] = [];
  const at = (level: string) => (fields: LogFields, message: string) => void lines.push({ level, fields, message });
  const log: CollectingLog = {
    lines,
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: () => log,
  };
  return log;
}
