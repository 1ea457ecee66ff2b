import { open } from "node:fs/promises";

import { terminalText } from "../../../domain/terminal-text.ts";
import { hasCode } from "../../error-code.ts";

export type OutputRange = { offset: number; limitBytes: number };

/** Bytes of a log; none where there is none yet. */
export async function readOutput(path: string, { offset, limitBytes }: OutputRange) {
  try {
    await using file = await open(path, "r");
    const { size } = await file.stat();
    const length = Math.max(0, Math.min(limitBytes, size - offset));
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
    return { bytes: new Uint8Array(buffer.subarray(0, bytesRead)), totalBytes: size };
  } catch (error) {
    if (hasCode(error, "ENOENT")) return { bytes: new Uint8Array(), totalBytes: 0 };
    throw error;
  }
}

/** Read beyond what is wanted, so that a secret is masked before it is cut; and how far a cut moves to a line's beginning. */
const marginBytes = 4_096;

/**
 * The end of a log, without what moves a cursor. Cut where a line begins, if one begins near: half of a secret is not known
 * for one.
 */
export async function readTail(
  path: string,
  limitBytes: number,
  redact: (text: string) => string,
): Promise<{ text: string; isCut: boolean }> {
  const { totalBytes } = await readOutput(path, { offset: 0, limitBytes: 0 });
  const offset = Math.max(0, totalBytes - limitBytes - marginBytes);
  const { bytes } = await readOutput(path, { offset, limitBytes: limitBytes + marginBytes });
  const whole = terminalText(redact(new TextDecoder().decode(bytes)));
  if (offset === 0 && whole.length <= limitBytes) return { text: whole, isCut: false };
  const end = whole.slice(Math.max(0, whole.length - limitBytes)).replace(/^[\udc00-\udfff]/u, "");
  const line = end.indexOf("\n") + 1;
  return { text: line > 0 && line <= marginBytes && line < end.length ? end.slice(line) : end, isCut: true };
}
