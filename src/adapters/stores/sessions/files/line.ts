import { crc32 } from "node:zlib";

// A line ends in `,"crc":"xxxxxxxx"}`, always, so a line is checked over its bytes as written and never re-serialised.
const sealBytes = 18;
const sealStart = Buffer.from(',"crc":"');
const sealEnd = Buffer.from('"}');

/** The seed of every checksum of a session, so that a line moved from another session's log does not fit. */
export function seedOf(sessionId: string): number {
  return crc32(sessionId);
}

/** One line with its newline. `openJson`: the event's JSON without the closing brace; `mark`: all before it is synced. */
export function sealLine(openJson: string, mark: boolean, seed: number): { text: string; crc: string } {
  const body = mark ? `${openJson},"b":1` : openJson;
  const crc = hex(crc32(body, seed));
  return { text: `${body},"crc":"${crc}"}\n`, crc };
}

export type CheckedLine =
  | { kind: "readable"; value: unknown; crc: string | null; mark: boolean }
  | { kind: "bad"; reason: string };

/** Checks the bytes of one line, without its newline. `crc` is null where the line does not end in one. */
export function checkLine(bytes: Uint8Array, seed: number): CheckedLine {
  const line = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const crc = sealOf(line);
  if (crc !== null && hex(crc32(line.subarray(0, -sealBytes), seed)) !== crc) {
    return { kind: "bad", reason: "its bytes do not fit its crc" };
  }
  let value: unknown;
  try {
    value = JSON.parse(line.toString("utf8"));
  } catch (error) {
    return { kind: "bad", reason: `it is not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  const mark = typeof value === "object" && value !== null && "b" in value && value.b === 1;
  return { kind: "readable", value, crc, mark };
}

function sealOf(line: Buffer): string | null {
  const at = line.length - sealBytes;
  if (at < 0) return null;
  if (!line.subarray(at, at + sealStart.length).equals(sealStart)) return null;
  if (!line.subarray(-sealEnd.length).equals(sealEnd)) return null;
  return line.toString("latin1", at + sealStart.length, line.length - sealEnd.length);
}

/** Eight hexadecimal digits. */
export function hex(checksum: number): string {
  return checksum.toString(16).padStart(8, "0");
}
