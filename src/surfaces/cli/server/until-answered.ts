import { setTimeout as sleep } from "node:timers/promises";

import { ApiProblem } from "../../../client/api-problem.ts";
import { ServerUnreachable } from "../../../client/transport.ts";

/** A server that was killed is back sooner; after this the person is told. */
const patienceMsMax = 60_000;
const againMsMin = 100;
const againMsMax = 2_000;

export type Patience = {
  signal?: AbortSignal;
  /** An error that is an answer all the same. */
  isAnswer?(error: unknown): boolean;
};

/** Whether the server, or the way to it, was gone: the request is safe to repeat, because it carries its key. */
function wasGone(error: unknown): boolean {
  if (error instanceof ApiProblem) return error.code === "shutting-down" || error.code === "overloaded";
  return (
    error instanceof ServerUnreachable ||
    (error instanceof Error && ("code" in error || error.message === "aborted" || error instanceof SyntaxError))
  );
}

/**
 * Asks until the server answers, over a restart of it too, at most a minute. `undefined` when the signal fires, and for
 * an error that is an answer.
 * Throws what the server refused with. Only for requests that have one effect however often they are sent.
 */
export async function untilAnswered<Answer>(
  request: () => Promise<Answer>,
  { signal, isAnswer }: Patience,
): Promise<Answer | undefined> {
  const deadline = performance.now() + patienceMsMax;
  for (let waitMs = againMsMin; ; waitMs = Math.min(againMsMax, waitMs * 2)) {
    try {
      return await request();
    } catch (error) {
      if (signal?.aborted === true || isAnswer?.(error) === true) return undefined;
      if (!wasGone(error) || performance.now() > deadline) throw error;
      await sleep(waitMs);
    }
  }
}
