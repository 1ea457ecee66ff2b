import type { Appended, Lease } from "../ports/session-store.ts";
import { DuragentError } from "../schema/problem.ts";
import type { EventDraft } from "../schema/session-event.ts";
import { isEffect, type Step } from "../domain/session/step.ts";
import { resolveAgent, startTurn } from "./agent-in-force.ts";
import { countDropped } from "./count-dropped.ts";
import { decisionEvents } from "./decision-events.ts";
import type { LivingSession } from "./living-session.ts";
import type { RuntimeParts } from "./parts.ts";
import { performCompaction } from "./model-calls/perform-compaction.ts";
import { performModelCall } from "./model-calls/perform-model-call.ts";
import { performTools } from "./perform-tools.ts";
import { prepareTools } from "./prepare-tools.ts";
import { recordEndedProcesses } from "./session-processes.ts";

const conflictsMax = 3;

/** How a run came to its end. */
export type RunEnd =
  | { kind: "waits"; step: Extract<Step, { type: "wait" }>; lease: Lease; seen: { head: number; wake: number } }
  | { kind: "stopped" };

export type RunOptions = {
  /** True once the server drains: the run stops at its next safe point. */
  isDraining(): boolean;
};

/**
 * Runs one session until there is nothing to do: ask, perform, append, ask again. Between the answer `wait` and the
 * return no await lies, so that whatever comes after it starts a new run.
 */
export async function run(
  session: LivingSession,
  lease: Lease,
  parts: RuntimeParts,
  options: RunOptions,
): Promise<RunEnd> {
  let conflicts = 0;
  let prepared = false;
  for (;;) {
    if (lease.signal.aborted || session.log.failure) return { kind: "stopped" };
    await resolveAgent(session, parts);
    if (!prepared) {
      // What is open may be a call of a tool that has to be looked for first. Here, so that nobody who only reads waits for it.
      if (session.tail.turn) await prepareTools(session, parts);
      prepared = true;
    }
    if (session.endedProcesses.size > 0) {
      const recorded = await recordEndedProcesses(session, lease);
      if (recorded.kind === "fenced" || recorded.kind === "ended") return { kind: "stopped" };
      continue;
    }
    const seen = { wake: parts.store.wake(lease), head: session.tail.seq };
    const step = session.next(false);
    if (step.type === "wait") return { kind: "waits", step, lease, seen };
    if (isEffect(step) && options.isDraining()) return { kind: "stopped" };
    const appended = await perform(session, lease, parts, step);
    if (appended?.kind === "fenced" || appended?.kind === "ended") return { kind: "stopped" };
    conflicts = appended?.kind === "conflict" ? conflicts + 1 : 0;
    if (conflicts >= conflictsMax) {
      await decideInQueue(session, lease, parts);
      conflicts = 0;
    }
  }
}

async function perform(
  session: LivingSession,
  lease: Lease,
  parts: RuntimeParts,
  step: Step,
): Promise<Appended | null> {
  switch (step.type) {
    case "start_turn":
      return startTurn(session, lease, parts, step);
    case "call_model":
      await session.log.whenDurable(session.tail.seq);
      return performModelCall(session, lease, parts);
    case "compact":
      await session.log.whenDurable(session.tail.seq);
      return performCompaction(session, lease, parts, step.throughSeq);
    case "run_tools":
      return performTools(session, lease, parts, { type: "run_tools", calls: step.calls });
    case "recover_tool":
      if (step.how !== "interrupted")
        return performTools(session, lease, parts, { type: "recover_tool", calls: [step.call], how: step.how });
      return decide(session, lease, parts, step);
    default:
      return decide(session, lease, parts, step);
  }
}

async function decide(session: LivingSession, lease: Lease, parts: RuntimeParts, step: Step): Promise<Appended> {
  observe(session, parts, step);
  const drafts = draftsOf(session, parts, step);
  const appended = await session.log.append(drafts, { lease, expectedHead: session.tail.seq });
  if (step.type === "drop_messages" && appended.kind === "appended") countDropped(session, step, parts);
  return appended;
}

/** A flood of inputs delays a decision, never starves it: the engine is asked in the log's own queue. */
async function decideInQueue(session: LivingSession, lease: Lease, parts: RuntimeParts): Promise<void> {
  const taken: { step?: Step } = {};
  const chosen = (): EventDraft[] => {
    const step = session.next(false);
    taken.step = step;
    return step.type === "wait" || step.type === "start_turn" || isEffect(step) ? [] : draftsOf(session, parts, step);
  };
  const appended = await session.log.appendLocked(chosen, lease);
  if (taken.step?.type === "drop_messages" && appended.kind === "appended") countDropped(session, taken.step, parts);
}

function draftsOf(session: LivingSession, parts: RuntimeParts, step: Step): EventDraft[] {
  const drafts = decisionEvents(session.tail, step, {
    timestamp: timestampOf(parts),
    ulid: () => parts.clock.ulid(),
    workerId: parts.workerId,
    digest: (text) => parts.digest(text),
  });
  if (drafts.length === 0)
    throw new DuragentError("internal-error", `the step ${step.type} has no record: this is a bug`);
  return drafts;
}

export const timestampOf = (parts: Pick<RuntimeParts, "clock">): string => new Date(parts.clock.now()).toISOString();

function observe(session: LivingSession, parts: RuntimeParts, step: Step): void {
  if (step.type !== "end_turn" && step.type !== "cancel_turn") return;
  const { turn } = session.tail;
  session.failure = null;
  session.compactThrough = null;
  if (!turn) return;
  const seconds = Math.max(0, parts.clock.now() - turn.startedAt) / 1000;
  parts.metrics.add("duragent_turns_total", { outcome: step.outcome });
  parts.metrics.observe("duragent_turn_seconds", seconds);
  parts.log.info(
    {
      session_id: session.id,
      turn_id: turn.id,
      ...(turn.traceId ? { trace_id: turn.traceId } : {}),
      outcome: step.outcome,
      responses: turn.responses,
      ...(step.error ? { error: step.error.code } : {}),
    },
    "turn ended",
  );
}
