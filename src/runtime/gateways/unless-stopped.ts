import { DuragentError } from "../../schema/problem.ts";

/** Waits for what another program takes its time for; throws `shutting-down` once the server stops. What it waited for ends by a bound of its own. */
export async function unlessStopped<Value>(wanted: Promise<Value>, stopping: AbortSignal): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(new DuragentError("shutting-down", "the server is shutting down"));
  stopping.addEventListener("abort", stop, { once: true });
  if (stopping.aborted) stop();
  try {
    return await Promise.race([wanted, promise]);
  } finally {
    stopping.removeEventListener("abort", stop);
  }
}
