/**
 * A body that is read as fast as its client takes it, and let go of when the client does. Its first piece is read at once,
 * so that what can not be read at all is still an error with a status.
 */
export async function bodyFrom(content: AsyncIterable<Uint8Array>): Promise<ReadableStream<Uint8Array>> {
  const iterator = content[Symbol.asyncIterator]();
  let next: IteratorResult<Uint8Array> | undefined = await iterator.next();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const step = next ?? (await iterator.next());
        next = undefined;
        if (step.done === true) controller.close();
        else controller.enqueue(step.value);
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}
