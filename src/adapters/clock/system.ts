import { randomFillSync } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { monotonicFactory } from "ulid";

import type { Clock } from "../../ports/clock.ts";

/** setTimeout takes at most 2^31 - 1 ms; more would fire at once. */
const timerMsMax = 2_147_483_647;

/** The machine's own time, chance and identifiers. */
export function createSystemClock(): Clock {
  const nextUlid = monotonicFactory(pooledChance());
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    async sleep(ms, signal) {
      let leftMs = ms;
      while (leftMs > timerMsMax) {
        await sleep(timerMsMax, undefined, { signal });
        leftMs -= timerMsMax;
      }
      // The rejection of node:timers/promises is an AbortError that wraps the reason; callers are promised the reason.
      await sleep(Math.max(0, leftMs), undefined, { signal }).catch((error: unknown) => {
        throw signal?.aborted ? signal.reason : error;
      });
    },
    after(ms, callback) {
      let timer: NodeJS.Timeout;
      const arm = (leftMs: number) => {
        timer = setTimeout(
          () => (leftMs > timerMsMax ? arm(leftMs - timerMsMax) : callback()),
          Math.min(leftMs, timerMsMax),
        );
        timer.unref();
      };
      arm(Math.max(0, ms));
      return () => clearTimeout(timer);
    },
    random: () => Math.random(),
    ulid: () => nextUlid(),
  };
}

/** Numbers from 0 up to 1 out of secure random bytes, fetched many at once: one by one each costs a system call. */
function pooledChance(): () => number {
  const pool = new Uint8Array(4096);
  let used = pool.length;
  return () => {
    if (used === pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    const byte = pool[used] ?? 0;
    used += 1;
    return byte / 256;
  };
}
