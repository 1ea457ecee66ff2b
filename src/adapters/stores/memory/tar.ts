export type TarFile = { name: string; bytes: Uint8Array };

/** Two empty blocks: POSIX.1-2017, pax, "ustar Interchange Format". */
const endBytes = 1024;

/** A tar stream of files; each is read when the stream gets to it, so that it holds one of them at a time. */
export async function* tarOf(files: AsyncIterable<TarFile>): AsyncIterable<Uint8Array> {
  const { packTar } = await import("modern-tar");
  for await (const { name, bytes } of files) {
    const header = { name, size: bytes.length, mtime: new Date(0), mode: 0o600, type: "file" as const };
    const archive = await packTar([{ header, body: bytes }]);
    yield archive.subarray(0, archive.length - endBytes);
  }
  yield new Uint8Array(endBytes);
}
