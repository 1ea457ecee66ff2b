import { crc32 } from "node:zlib";
import { z } from "zod";

import type { FileHandle, FileSystem } from "../../../../ports/file-system.ts";
import type { Snapshot } from "../../../../ports/session-store.ts";
import type { KeyEntry } from "../idempotency-keys.ts";
import { checkLine, hex } from "./line.ts";

const count = z.int().min(0);

const snapshotFileSchema = z.object({
  format: z.literal(1),
  /** Of the engine that made `state`. */
  version: z.string(),
  seq: count,
  /** The last line that is covered: where it begins and ends, and its `crc` (`null`: a line of Duragent 0.5 has none). */
  line_offset: count,
  line_end: count,
  line_crc: z.string().nullable(),
  context_seq: count,
  context_offset: count,
  legacy: z.boolean(),
  ended: z.boolean(),
  epoch: count,
  outcome_seq: count,
  wake_at: z.union([z.number(), z.literal("now")]).nullable(),
  keys: z.array(z.tuple([z.string(), count, z.number()])),
  state: z.json(),
});

/** A snapshot with what ties it to its log. */
export type SnapshotFile = Omit<z.infer<typeof snapshotFileSchema>, "state" | "keys"> & {
  state: unknown;
  keys: KeyEntry[];
};

// The file ends in its own checksum over the bytes before it, like a line of the log.
const sealStart = ',\n  "crc": "';
const sealLength = sealStart.length + 8 + '"\n}\n'.length;

/** One indented JSON document, which is YAML. */
export function snapshotBytes(file: SnapshotFile, seed: number): Uint8Array {
  const body = JSON.stringify(file, null, 2).slice(0, -"\n}".length);
  return Buffer.from(`${body}${sealStart}${hex(crc32(body, seed))}"\n}\n`);
}

/** `null` for whatever is not exactly what was written: a snapshot is never needed. */
export function parseSnapshot(bytes: Uint8Array, seed: number): SnapshotFile | null {
  if (bytes.length < sealLength) return null;
  const body = bytes.subarray(0, bytes.length - sealLength);
  const seal = Buffer.from(bytes.subarray(bytes.length - sealLength)).toString("latin1");
  if (seal !== `${sealStart}${hex(crc32(body, seed))}"\n}\n`) return null;
  try {
    const parsed = snapshotFileSchema.safeParse(JSON.parse(`${Buffer.from(body).toString("utf8")}\n}`));
    return parsed.success ? parsed.data : null;
  } catch (error) {
    // Its checksum fits, so a program wrote this: what is not JSON is as useless as no snapshot.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

export async function readSnapshotFile(fs: FileSystem, path: string, seed: number): Promise<SnapshotFile | null> {
  try {
    return parseSnapshot(await fs.readFile(path), seed);
  } catch {
    // Missing, not a file, not readable: the log is read instead.
    return null;
  }
}

/** Whether the last line that the snapshot covers stands in the log, byte for byte where it says. */
export async function meetsLog(
  file: Pick<FileHandle, "read">,
  snapshot: SnapshotFile,
  options: { size: number; seed: number },
): Promise<boolean> {
  const length = snapshot.line_end - snapshot.line_offset;
  if (length <= 0 || snapshot.line_end > options.size || snapshot.context_offset > snapshot.line_end) return false;
  const bytes = await file.read(snapshot.line_offset, length);
  if (bytes.length !== length || bytes[length - 1] !== 10) return false;
  const checked = checkLine(bytes.subarray(0, -1), options.seed);
  if (checked.kind === "bad" || checked.crc !== snapshot.line_crc) return false;
  const { value } = checked;
  return typeof value === "object" && value !== null && "seq" in value && value.seq === snapshot.seq;
}

export function asSnapshot(file: SnapshotFile): Snapshot {
  return { version: file.version, seq: file.seq, contextSeq: file.context_seq, state: file.state };
}
