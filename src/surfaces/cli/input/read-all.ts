import { CommandFailure, exitCodes } from "../exit.ts";
import { lineBytesMax } from "./split-lines.ts";

/** All of a stream as text, at most 1 MiB. Throws CommandFailure past it. */
export async function readAll(bytes: AsyncIterable<Uint8Array | string>): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of bytes) {
    const part = Buffer.from(chunk);
    length += part.length;
    if (length > lineBytesMax) {
      throw new CommandFailure(exitCodes.usage, "what came on stdin is above 1 MiB", {
        hint: "name the file in the prompt instead",
      });
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}
