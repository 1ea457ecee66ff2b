import type { Ground } from "./ground.ts";
import { endMessage } from "./end-message.ts";
import { readTail } from "./output.ts";
import type { ProcessLife } from "./process-life.ts";

const retryBaseMs = 1_000;
const retryMaxMs = 60_000;

/**
 * Tells the session that a process has ended, until it is durable there, and then notes that it was told. The session takes
 * one message for a handle, however often it is told.
 */
export async function reportEnd(life: ProcessLife, ground: Ground): Promise<void> {
  for (let failures = 0; !life.stored.reported && !ground.closing.aborted; failures += 1) {
    try {
      await tell(life, ground);
      await life.save({ reported: true });
    } catch (error) {
      const { session_id, handle } = life.stored;
      const level = failures === 0 ? "warn" : "debug";
      ground.log[level]({ session_id, handle, err: error }, "the end of a background process was not told yet");
      await ground.clock
        .sleep(Math.min(retryMaxMs, retryBaseMs * 2 ** failures), ground.closing)
        .catch(() => undefined);
    }
  }
}

async function tell({ stored }: ProcessLife, { sessions, redactText }: Ground): Promise<void> {
  const { handle, call_id: callId, pid, started_at: startedAt, status } = stored;
  const tail = (limitBytes: number) => readTail(stored.log_path, limitBytes, redactText);
  await sessions.processEnded(stored.session_id, {
    handle,
    callId,
    startedAt,
    startRecorded: stored.started_recorded,
    ...(pid === undefined ? {} : { pid }),
    ...("exit_code" in status ? { exitCode: status.exit_code } : {}),
    ...(stored.announce_end ? { message: redactText(await endMessage(stored, tail)) } : {}),
  });
}
