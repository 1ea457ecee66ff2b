import type { IncomingMedia } from "@duragent/gateway-protocol";

/** What is taken of one file. */
export const incomingFileBytesMax = 20_000_000;

/** Why a file can not be had, in words for the agent and its users: without its address, which may hold a token. */
export class MissingFile extends Error {
  constructor(why: string) {
    super(why);
    this.name = "MissingFile";
  }
}

/** Gets the files of messages that came in. */
export interface IncomingFiles {
  /** The bytes as they come, at most `incomingFileBytesMax` in at most 30 s; nothing happens before they are read. Throws `MissingFile`. */
  read(gateway: string, media: IncomingMedia): AsyncIterable<Uint8Array>;
}
