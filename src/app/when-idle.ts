import type { Clock } from "../ports/clock.ts";

const looksPerWait = 10;
/** A client that comes and goes between two looks is not seen: it has what it came for, and the next one starts a server. */
const lookMsMax = 1_000;

export type Idleness = {
  clock: Clock;
  /** How long nobody must be there and nothing be done. */
  idleMs: number;
  /** Clients or work, right now. */
  isBusy(): boolean;
  onIdle(): void;
};

/** Calls back once when there was neither client nor work for a while; looks from time to time. Answers with what stops it. */
export function whenIdle({ clock, idleMs, isBusy, onIdle }: Idleness): () => void {
  const lookMs = Math.min(lookMsMax, Math.max(1, Math.floor(idleMs / looksPerWait)));
  let idleSince = clock.monotonic();
  let cancel = (): void => undefined;
  const look = (): void => {
    const now = clock.monotonic();
    if (isBusy()) idleSince = now;
    if (now - idleSince >= idleMs) onIdle();
    else cancel = clock.after(lookMs, look);
  };
  cancel = clock.after(lookMs, look);
  return () => cancel();
}
