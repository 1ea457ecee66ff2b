/** One message over HTTP, as over stdio: an answer, or an event of a stream. */
export const messageBytesMax = 8 * 1024 * 1024;

type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

/** `fetch` whose answers fail where a message in them is longer than 8 MiB: a stream may go on for ever, an event may not. */
export function withBoundedMessages(fetch: Fetch): Fetch {
  return async (url, init) => {
    const response = await fetch(url, init);
    if (response.body === null) return response;
    const isStream = (response.headers.get("content-type") ?? "").includes("text/event-stream");
    const body = response.body.pipeThrough(bounded(isStream));
    const { status, statusText, headers } = response;
    return new Response(body, { status, statusText, headers });
  };
}

function bounded(isStream: boolean): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(chunk: Uint8Array, controller) {
      bytes += chunk.length;
      if (bytes > messageBytesMax) {
        controller.error(new Error(`the server sent a message of more than ${messageBytesMax / 1024 / 1024} MiB`));
        return;
      }
      const lastEnd = isStream ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).lastIndexOf("\n\n") : -1;
      // An end that two chunks share is not seen: the bound is then that much tighter, never looser.
      if (lastEnd !== -1) bytes = chunk.length - lastEnd - 2;
      controller.enqueue(chunk);
    },
  });
}
