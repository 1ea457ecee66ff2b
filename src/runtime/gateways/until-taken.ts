import { DuragentError, type ProblemCode } from "../../schema/problem.ts";
import type { RouterParts } from "./router-parts.ts";

const retryBaseMs = 250;
const retryMaxMs = 10_000;

/** Passing states of the store and the server, and a session that ended meanwhile; all else would be answered the same again. */
const passing: ReadonlySet<ProblemCode> = new Set([
  "storage-full",
  "storage-failed",
  "overloaded",
  "shutting-down",
  "session-ended",
  "session-not-found",
]);

/** Whether trying again may help. What nobody foresaw is taken for that: a message is not to be lost by it. */
export const isPassing = (error: unknown): boolean => !(error instanceof DuragentError) || passing.has(error.code);

/**
 * Tries until it works, less and less often, for `forMs` at most. `undefined`: it did not, or the server stops; nothing
 * may be confirmed then. `take` is repeated: it must have one effect only.
 */
export async function untilTaken<Taken>(
  take: () => Promise<Taken>,
  { forMs, stopping, what }: { forMs: number; stopping: AbortSignal; what: Readonly<Record<string, unknown>> },
  { clock, log }: Pick<RouterParts, "clock" | "log">,
): Promise<Taken | undefined> {
  const until = clock.monotonic() + forMs;
  for (let failures = 1; !stopping.aborted; failures += 1) {
    try {
      return await take();
    } catch (error) {
      if (!isPassing(error)) throw error;
      const delayMs = Math.min(retryMaxMs, retryBaseMs * 2 ** (failures - 1)) * (0.5 + clock.random() / 2);
      const isOver = clock.monotonic() + delayMs > until;
      if (failures === 1 || isOver)
        log.error(
          { ...what, err: error },
          isOver ? "what came from a chat could not be taken in" : "what came from a chat is tried again",
        );
      if (isOver) return undefined;
      await clock.sleep(delayMs, stopping).catch(() => undefined);
    }
  }
  return undefined;
}
