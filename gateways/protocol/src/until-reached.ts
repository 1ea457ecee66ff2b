import { setTimeout as pause } from "node:timers/promises";

import { errorText } from "./error-text.ts";
import { CommandFailure, type Core } from "./gateway.ts";

const backoffFirstMs = 1_000;
/** People wait for what was said while the platform was away. */
const backoffLastMs = 5_000;

/** How long to wait after so many failures in a row: 1 s doubling to 5 s, and up to a quarter more by chance. */
export function backoffMs(failures: number): number {
  return Math.min(backoffFirstMs * 2 ** Math.max(0, failures - 1), backoffLastMs) * (1 + Math.random() / 4);
}

type Attempts = Pick<Core, "log" | "error" | "stopping"> & {
  /** Whether a failure is for good: `unauthorized`, unless told otherwise. */
  readonly isFinal?: (error: unknown) => boolean;
};

/**
 * Tries to reach the platform until that works, and waits in between: as `backoffMs` says, or as long as the platform asks
 * for. Throws what is final, and the signal's reason when the gateway ends.
 */
export async function untilReached<T>(
  attempt: () => Promise<T>,
  { log, error: report, stopping, isFinal = isUnauthorized }: Attempts,
): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      stopping.throwIfAborted();
      if (isFinal(error)) throw error;
      const askedForSeconds = error instanceof CommandFailure ? (error.retryAfterSeconds ?? 0) : 0;
      const waitMs = askedForSeconds * 1_000 || backoffMs(failures);
      // The operator is told once, the log each time.
      if (failures === 1) report("not_connected", errorText(error));
      log(`${errorText(error)}; tried again in ${Math.ceil(waitMs / 1_000)} s`);
      await pause(waitMs, undefined, { signal: stopping });
    }
  }
}

function isUnauthorized(error: unknown): boolean {
  return error instanceof CommandFailure && error.code === "unauthorized";
}
