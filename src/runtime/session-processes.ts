import type { AgentSessions, EndedProcess } from "../ports/agent-sessions.ts";
import type { Appended, Lease } from "../ports/session-store.ts";
import type { MessageId, SessionId } from "../schema/ids.ts";
import { DuragentError } from "../schema/problem.ts";
import type { DraftOf } from "../schema/session-event.ts";
import type { LivingSession } from "./living-session.ts";
import { enter } from "./session-commands.ts";
import type { SessionRegistry } from "./session-registry.ts";

/** There is nobody to be told any more. */
const goneBy: ReadonlySet<string> = new Set(["session-ended", "session-not-found"]);

/** How sessions learn of their background processes. */
export function sessionProcesses(registry: SessionRegistry): Pick<AgentSessions, "processEnded" | "processSays"> {
  const { clock } = registry.parts;
  const timestamp = (): string => new Date(clock.now()).toISOString();

  const say = async (session: LivingSession, note: { handle: string; content: string; idempotencyKey: string }) => {
    try {
      await enter(registry, session, {
        type: "send_message",
        timestamp: timestamp(),
        messageId: `msg_${clock.ulid()}` as MessageId,
        content: note.content,
        delivery: "steer",
        source: `process:${note.handle}`,
        unattended: true,
        mayDecide: false,
        idempotencyKey: note.idempotencyKey,
      });
    } catch (error) {
      // Told before, in other words: other secrets may be known now than then.
      if (!(error instanceof DuragentError) || error.code !== "conflict") throw error;
    }
  };

  return {
    processEnded: (id, process) =>
      unlessGone(registry, id, async (session) => {
        const { handle, message, startRecorded } = process;
        if (startRecorded && !isOpen(session, handle)) return session.log.whenDurable(session.tail.seq);
        if (message !== undefined)
          await say(session, { handle, content: message, idempotencyKey: `process:${handle}:ended` });
        await recordEnd(registry, session, endOf(process, timestamp()));
      }),
    processSays: (id, note) => unlessGone(registry, id, (session) => say(session, note)),
  };
}

async function unlessGone(
  registry: SessionRegistry,
  id: SessionId,
  use: (session: LivingSession) => Promise<void>,
): Promise<void> {
  try {
    await registry.with(id, use);
  } catch (error) {
    if (!(error instanceof DuragentError) || !goneBy.has(error.code)) throw error;
  }
}

function endOf(
  { handle, callId, pid, startedAt, exitCode }: EndedProcess,
  timestamp: string,
): DraftOf<"process_ended"> {
  return {
    timestamp,
    type: "process_ended",
    handle,
    call_id: callId,
    pid,
    started_at: startedAt,
    exit_code: exitCode,
  };
}

/** An outcome: it waits for a run of its session, which records it under its lease. */
async function recordEnd(registry: SessionRegistry, session: LivingSession, end: DraftOf<"process_ended">) {
  if (!isOpen(session, end.handle)) return;
  session.endedProcesses.set(end.handle, end);
  // A run that is busy with an effect would come to it only afterwards.
  if (session.running && session.lease) await recordEndedProcesses(session, session.lease);
  else registry.kick(session);
  while (isOpen(session, end.handle)) {
    if (session.tail.ended) return;
    if (session.closed || session.log.failure || !session.runner)
      throw new DuragentError("overloaded", "the session can not be written to now; try again", {
        retryAfterMs: 1_000,
      });
    await new Promise<void>((resolve) => {
      const unlisten = session.feed.listen(() => {
        unlisten();
        resolve();
      });
    });
  }
  await session.log.whenDurable(session.tail.seq);
}

const isOpen = ({ tail }: LivingSession, handle: string): boolean =>
  tail.processes.some((process) => process.handle === handle);

/** Writes down the ends that wait to be; each once. */
export async function recordEndedProcesses(session: LivingSession, lease: Lease): Promise<Appended> {
  const ends = [...session.endedProcesses.values()];
  // Asked in the log's own queue: it may be there already.
  const appended = await session.log.appendLocked((tail) => {
    const open = new Set(tail.processes.map((process) => process.handle));
    return ends.filter((end) => open.has(end.handle));
  }, lease);
  if (appended.kind === "appended") for (const { handle } of ends) session.endedProcesses.delete(handle);
  return appended;
}
