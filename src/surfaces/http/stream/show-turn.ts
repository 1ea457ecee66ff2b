import type { SessionReader } from "../../../runtime/runtime.ts";
import { compatibleBlock, type CompatibleTurn } from "./compatible-turn.ts";
import type { EventStream } from "./event-stream.ts";
import { sayBye, takeBytesMax } from "./follow-log.ts";

export type ShowTurn = {
  stream: EventStream;
  reader: SessionReader;
  turn: CompatibleTurn;
  /** Send the names of the resumable stream instead of the compatible ones. */
  full: boolean;
};

/** Sends one turn until it has ended, asks, or pauses; or until the client goes or the server drains. */
export async function showTurn({ stream, reader, turn, full }: ShowTurn): Promise<void> {
  if (!full) stream.write([compatibleBlock("start", {})]);
  while (!stream.signal.aborted) {
    const frames = await reader.take(takeBytesMax);
    const told = frames.flatMap((frame) => turn.pass(frame));
    stream.write(full ? frames.map((frame) => frame.wire) : told);
    const isBehind = frames.reduce((bytes, frame) => bytes + frame.wire.length, 0) >= takeBytesMax;
    const last = isBehind ? null : turn.last();
    if (last !== null) {
      if (!full) stream.write([last]);
      return stream.end();
    }
    await stream.flushed();
    if (frames.length === 0) {
      if (reader.finished) return stream.end();
      await reader.wait(stream.signal);
    }
  }
  if (full) return sayBye(stream);
  if (stream.drainReason === undefined) return;
  stream.write([compatibleBlock("error", { message: "draining" })]);
  stream.end();
}
