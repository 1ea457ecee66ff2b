import { terminalLine } from "../../../domain/terminal-text.ts";
import type { SessionEvent } from "../../../schema/session-event.ts";
import type { Paint } from "../paint.ts";

const textShownMax = 160;
// What stands around a payload, or only says who may read it, is not shown again.
const aside = new Set([
  "seq",
  "timestamp",
  "type",
  "turn_id",
  "epoch",
  "ignorable",
  "format",
  "session_id",
  "message_id",
  "idempotency_key",
  "request_digest",
  "provider_state",
]);

/** One event on one line: number, time, type, and its payload as `key=value`. */
export function eventLine(event: SessionEvent, paint: Paint): string {
  const facts = Object.entries(event)
    .filter(([key]) => !aside.has(key))
    .map(
      ([key, value]) =>
        `${key}=${typeof value === "string" ? terminalLine(value, textShownMax) : terminalLine(JSON.stringify(value), textShownMax)}`,
    );
  const time = event.timestamp.slice(11, 23);
  return `${paint("dim", `${String(event.seq).padStart(5)} ${time}`)} ${paint("bold", event.type)} ${facts.join(" ")}`.trimEnd();
}
