import type { SessionReader } from "../../../runtime/runtime.ts";
import type { SessionCall } from "../call.ts";
import type { Written } from "../reply.ts";
import type { EventStream } from "./event-stream.ts";

type Prepared = { reader: SessionReader; run(stream: EventStream): Promise<void> };

/**
 * Answers with a stream. Whatever goes wrong before its first byte is thrown, and becomes a problem document. The
 * client counts as attached while its connection is open and not a moment longer.
 */
export async function serveStream(
  call: SessionCall,
  options: { attach: boolean },
  prepare: () => Promise<Prepared>,
): Promise<Written> {
  const { surface, outgoing, params } = call;
  const stream = surface.streams.start(params.id, outgoing);
  let leave = async (): Promise<void> => {};
  let prepared: Prepared;
  try {
    if (options.attach) {
      const attachment = await surface.sessions.attach(params.id, {});
      leave = () => attachment.leave();
    }
    prepared = await prepare();
  } catch (error) {
    stream.release();
    await leave();
    throw error;
  }
  stream.begin(call.headers);
  // Owned here: ends with the stream, and tells the log if it ends badly.
  void run(call, stream, prepared, leave);
  return { written: true, status: 200 };
}

async function run(
  { surface, requestId, params, outgoing }: SessionCall,
  stream: EventStream,
  { reader, run: send }: Prepared,
  leave: () => Promise<void>,
) {
  const { log } = surface;
  try {
    await send(stream);
  } catch (error) {
    log.error({ request_id: requestId, session_id: params.id, err: error }, "a stream broke off");
    // Cut, not ended: the client must see that this is not the end, and resume.
    outgoing.destroy();
  } finally {
    reader.close();
    try {
      await leave();
    } catch (error) {
      log.error({ request_id: requestId, session_id: params.id, err: error }, "a client could not be detached");
    }
  }
}
