import { constants, PerformanceObserver, type PerformanceEntry } from "node:perf_hooks";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/** Two semi-spaces of 8 MiB. */
const youngBytesMax = 16 * 1024 * 1024;
/** V8's own. */
const defaultFactor = 2;
/** So much of the old generation may be garbage before it is collected; a share of what is alive where that is much. */
const garbageBytesMax = 16 * 1024 * 1024;
const garbagePercentMin = 30;
/** Collections of the old generation that are closer than this cost turns. */
const apartMsMin = 5_000;
const freeMs = 20_000;

/**
 * Keeps V8 from taking memory of which a server has nothing, until the answer is called. By itself it lets the young
 * generation grow to some 100 MiB while much is going on, and the old one to four times what is alive. The documented
 * option for the first (`--max-semi-space-size`) counts only where the process was started with it, and is not for whoever
 * starts this one; so the factor by which the space grows is set anew whenever it could. To be called once a
 * program is loaded, and undone before it ends: compiled code that is cached counts only for the flags that it was made with.
 */
export function boundHeap(): () => void {
  const set = (factor: number, percent: number): void => {
    setFlagsFromString(`--semi-space-growth-factor=${factor}`);
    setFlagsFromString(`--heap-growing-percent=${percent}`);
  };
  let percent = 0;
  const garbagePercent = garbageRule();
  const observer = new PerformanceObserver((list) => {
    const spaces = new Map(getHeapSpaceStatistics().map((space) => [space.space_name, space]));
    const isYoungFull = (spaces.get("new_space")?.space_size ?? 0) >= youngBytesMax;
    const aliveBytes = spaces.get("old_space")?.space_used_size ?? 0;
    for (const entry of list.getEntries()) if (isMajor(entry)) percent = garbagePercent(entry.startTime, aliveBytes);
    set(isYoungFull ? 1 : defaultFactor, percent);
  });
  observer.observe({ entryTypes: ["gc"] });
  return () => {
    observer.disconnect();
    set(defaultFactor, 0);
  };
}

/** Entries of collections say which kind they were; the types do not know it. */
const isMajor = (entry: PerformanceEntry): boolean =>
  (entry as { detail?: { kind?: number } }).detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR;

/**
 * How much garbage the old generation may have before it is collected again, in percent of what is alive; 0: as V8 likes.
 * Told of each collection: when it began (ms), and what it left. Under a load that makes much garbage a bound would
 * cost turns.
 */
export function garbageRule(): (beganAtMs: number, aliveBytes: number) => number {
  let lastMs = Number.NEGATIVE_INFINITY;
  let freeUntilMs = Number.NEGATIVE_INFINITY;
  return (beganAtMs, aliveBytes) => {
    if (beganAtMs - lastMs < apartMsMin) freeUntilMs = beganAtMs + freeMs;
    lastMs = beganAtMs;
    if (beganAtMs < freeUntilMs) return 0;
    return Math.max(garbagePercentMin, Math.round((garbageBytesMax / Math.max(1, aliveBytes)) * 100));
  };
}
