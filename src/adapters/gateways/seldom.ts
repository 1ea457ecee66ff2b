import type { Clock } from "../../ports/clock.ts";
import type { LogFields } from "../../ports/telemetry.ts";

const intervalMs = 60_000;

/** Says each kind of thing, which are few, at most once a minute, however often it happens; the next time with how often it was left out. */
export function seldom(clock: Clock, say: (fields: LogFields, message: string) => void) {
  const said = new Map<string, { atMs: number; leftOut: number }>();
  return (message: string, fields: LogFields = {}, kind = message): void => {
    const now = clock.monotonic();
    const before = said.get(kind);
    if (before && now - before.atMs < intervalMs) {
      before.leftOut += 1;
      return;
    }
    say(before?.leftOut ? { ...fields, more_since_last_line: before.leftOut } : fields, message);
    said.set(kind, { atMs: now, leftOut: 0 });
  };
}
