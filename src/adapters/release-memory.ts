/**
 * Gives the memory of bytes that nobody reads any more back at once, where it is theirs alone. Left to the garbage
 * collector, which hardly runs where nothing else is made, the pieces of a flood pile up to 80 MB and more.
 */
export function releaseMemory({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
