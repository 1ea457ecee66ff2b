import type { Lease } from "../ports/session-store.ts";
import { countDropped } from "./count-dropped.ts";
import { decisionEvents } from "./decision-events.ts";
import type { LivingSession } from "./living-session.ts";
import type { RuntimeParts } from "./parts.ts";

type Running = Pick<NonNullable<LivingSession["running"]>, "type" | "throughSeq">;

/**
 * Performs an effect. While it runs, whatever changes asks the engine whether it goes on; the signal's reason says why
 * it must stop: `cancel`, `turn_limit`, `background_limit`, `lost`, `drain`.
 */
export async function whileRunning<Result>(
  session: LivingSession,
  lease: Lease,
  parts: RuntimeParts,
  { type, throughSeq }: Running,
  effect: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const abort = new AbortController();
  session.running = { type, throughSeq, since: parts.clock.now(), abort };
  const lost = (): void => abort.abort("lost");
  lease.signal.addEventListener("abort", lost);
  let cancelTimer: () => void = () => undefined;
  let deciding = false;

  const check = (): void => {
    cancelTimer();
    if (abort.signal.aborted || session.running?.abort !== abort) return;
    if (session.log.failure) return abort.abort("lost");
    const step = session.next(true);
    if (step.type === "abort") return abort.abort(step.reason);
    if ((step.type === "resume" || step.type === "drop_messages") && !deciding) {
      deciding = true;
      const drafts = decisionEvents(session.tail, step, {
        timestamp: new Date(parts.clock.now()).toISOString(),
        ulid: () => parts.clock.ulid(),
        workerId: parts.workerId,
        digest: (text) => parts.digest(text),
      });
      session.log
        .append(drafts, { lease, expectedHead: session.tail.seq })
        .then((appended) => {
          if (step.type === "drop_messages" && appended.kind === "appended") countDropped(session, step, parts);
        })
        // A conflict means that something else came first: that has asked again, or will.
        .catch((error: unknown) =>
          parts.log.warn({ session_id: session.id, err: error }, "a decision was not recorded"),
        )
        .finally(() => {
          deciding = false;
          check();
        });
      return;
    }
    if (step.type === "continue" && step.until !== null)
      cancelTimer = parts.clock.after(Math.max(1, step.until - parts.clock.now()), check);
  };

  session.checkRunning = check;
  session.feed.changed();
  try {
    check();
    return await effect(abort.signal);
  } finally {
    cancelTimer();
    lease.signal.removeEventListener("abort", lost);
    session.checkRunning = () => undefined;
    session.running = null;
    // The text of a model call stays until its response is durable.
    if (type !== "call_model") session.feed.endText();
  }
}
