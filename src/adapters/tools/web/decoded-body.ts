import { pipeline, type Duplex, type Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";

const decoders: Readonly<Record<string, () => Duplex>> = {
  gzip: () => createGunzip(),
  "x-gzip": () => createGunzip(),
  deflate: () => createInflate(),
  br: () => createBrotliDecompress(),
};

/**
 * The body without its `Content-Encoding`, decoded only as fast as it is read: a reader that stops is not drowned by what a few
 * bytes unpack to. Throws for an encoding that was not asked for.
 */
export function decoded(body: Readable, encoding: string): Readable {
  const name = encoding.trim().toLowerCase();
  if (name === "" || name === "identity") return body;
  const decoder = decoders[name]?.();
  if (!decoder) {
    body.destroy();
    throw new Error(`the answer is encoded as ${JSON.stringify(name.slice(0, 40))}, which was not asked for`);
  }
  // The decoder carries every failure of either to whoever reads it.
  pipeline(body, decoder, () => undefined);
  return decoder;
}
