import { encodeFrame, encodeRetry } from "../../../domain/stream/sse-frame.ts";
import type { SessionReader, StreamFrame } from "../../../runtime/runtime.ts";
import type { ReadyBody } from "../../../schema/api/stream.ts";
import type { EventStream } from "./event-stream.ts";

/** As much as is fetched for one client at once; what it has not taken stays in the log. */
export const takeBytesMax = 65_536;
const retryMs = 1000;

export type Follow = {
  stream: EventStream;
  reader: SessionReader;
  /** `seq` of the last event when the stream began: up to there it is the past. */
  headSeq: number;
  /** `false`: the stream ends once the past has been sent. */
  follow: boolean;
  /** The data of `ready`; `epoch` is the latest that was sent, if any was. */
  ready(seen: { lastSeq: number; epoch: number | undefined }): Promise<ReadyBody>;
};

/** Sends what a reader gives until the log ends, the client goes or the server drains. */
export async function followLog({ stream, reader, headSeq, follow, ready }: Follow): Promise<void> {
  let caughtUp = false;
  let epoch: number | undefined;
  stream.write([encodeRetry(retryMs)]);
  while (!stream.signal.aborted) {
    const frames = await reader.take(takeBytesMax);
    stream.write(frames.map((frame) => frame.wire));
    if (!caughtUp) epoch = lastEpoch(frames) ?? epoch;
    if (!caughtUp && (reader.position >= headSeq || reader.finished)) {
      caughtUp = true;
      stream.write([
        encodeFrame({ event: "ready", data: JSON.stringify(await ready({ lastSeq: reader.position, epoch })) }),
      ]);
    }
    if (caughtUp && (!follow || reader.finished)) return stream.end();
    await stream.flushed();
    if (frames.length === 0 && !reader.finished) await reader.wait(stream.signal);
  }
  sayBye(stream);
}

/** Tells a client to come back, if it is still there. */
export function sayBye(stream: EventStream): void {
  if (stream.drainReason === undefined) return;
  stream.write([
    encodeFrame({ event: "bye", data: JSON.stringify({ reason: stream.drainReason, retry_ms: retryMs }) }),
  ]);
  stream.end();
}

function lastEpoch(frames: readonly StreamFrame[]): number | undefined {
  const latest = frames.findLast((frame) => frame.kind === "durable" && frame.event.epoch !== undefined);
  return latest?.kind === "durable" ? latest.event.epoch : undefined;
}
