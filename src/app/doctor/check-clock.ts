import { stat } from "node:fs/promises";
import { join } from "node:path";

import type { Check } from "../../surfaces/cli/ground.ts";

/** A file system's clock and ours may differ by this much without meaning anything. */
const toleranceMs = 5 * 60_000;
/** The day this program's format was set down: no right clock is before it. */
const earliest = Date.UTC(2026, 0, 1);

/** Whether time goes forward: the order of a log never depends on it, but time-outs, tokens and TLS do. */
export async function checkClock(dataDir: string, now: number): Promise<Check[]> {
  const remedy = "set the clock, e.g. timedatectl set-ntp true";
  const today = new Date(now).toISOString();
  if (now < earliest) return [{ status: "error", message: `the clock says ${today}`, remedy }];
  for (const name of ["server.json", "server.lock", "sessions"]) {
    let changed: number;
    try {
      changed = (await stat(join(dataDir, name))).mtimeMs;
    } catch {
      // Nothing there yet: nothing to compare with.
      continue;
    }
    if (changed > now + toleranceMs) {
      return [
        {
          status: "warn",
          message: `the clock says ${today}, but ${name} was changed later, at ${new Date(changed).toISOString()}`,
          remedy,
        },
      ];
    }
  }
  return [{ status: "ok", message: `the clock says ${today}` }];
}
