import type { FileHandle, FileSystem } from "../../../../ports/file-system.ts";
import type { SessionProblem, Snapshot } from "../../../../ports/session-store.ts";
import type { SessionEvent } from "../../../../schema/session-event.ts";
import { Upcaster } from "../../../../schema/upcast.ts";
import { IdempotencyKeys } from "../idempotency-keys.ts";
import { appendBytes } from "./append-bytes.ts";
import { examineLog, type Examined, type Fault } from "./examine-log.ts";
import { readLegacyState } from "./legacy-state.ts";
import { foldFacts, noFacts, type LogFacts } from "./log-facts.ts";
import type { LastLine } from "./log-writer.ts";
import type { SessionPaths } from "./paths.ts";
import { asSnapshot, meetsLog, readSnapshotFile, type SnapshotFile } from "./snapshot-file.ts";

export type LogEnvironment = {
  fs: FileSystem;
  sessionId: string;
  paths: SessionPaths;
  seed: number;
  durability: "synced" | "flushed";
};

export type OpenedLog = {
  facts: LogFacts;
  keys: IdempotencyKeys;
  lastLine: LastLine;
  legacy: boolean;
  snapshot: Snapshot | null;
  snapshotFile: SnapshotFile | null;
  /** From the snapshot's context on. */
  events: SessionEvent[];
  problem: SessionProblem | null;
  /** To be recorded as `error` events before anything else is appended. */
  losses: { code: "torn-write" | "events-lost"; message: string }[];
};

/**
 * Opens a log: reads it, cuts off what was never acknowledged, makes durable what was read, folds.
 * `null`: nothing that was ever acknowledged is in it. A corrupt log is not touched.
 */
export async function openLog(environment: LogEnvironment, file: FileHandle): Promise<OpenedLog | null> {
  const { fs, paths, seed, durability } = environment;
  const size = await file.size();
  const found = await readSnapshotFile(fs, paths.snapshot, seed);
  const met = found && (await meetsLog(file, found, { size, seed })) ? found : null;
  const examined = await examine(environment, file, { found, met, size });
  const shorter = found !== null && examined.goodEnd < found.line_end && examined.fault.kind !== "corrupt";
  const problem = problemOf(environment, examined, shorter && durability === "synced" ? found : null);
  const losses: OpenedLog["losses"] = [];
  if (!problem) {
    if (examined.fault.kind === "torn") {
      const torn = await setTornEndAside(environment, file, { from: examined.goodEnd, size });
      if (examined.fault.wholeLines && examined.lines.length > 0) losses.push(torn);
    }
    if (shorter && found) losses.push(await forgetLostEvents(environment, found, examined.goodEnd));
    const isCovered = met !== null && met.line_end === examined.goodEnd && examined.fault.kind === "none";
    if (!isCovered && examined.goodEnd > 0) await rewriteLastWrite(environment, file, examined);
  }
  const opened = await fold(environment, examined, met);
  if (!opened) return null;
  const headless = !met && opened.events.length > 0 && opened.events[0]?.type !== "session_start";
  return { ...opened, problem: headless ? beginningIsMissing(environment) : problem, losses };
}

async function examine(
  environment: LogEnvironment,
  file: FileHandle,
  facts: { found: SnapshotFile | null; met: SnapshotFile | null; size: number },
): Promise<Examined> {
  const { found, met, size } = facts;
  const { seed } = environment;
  if (met && !met.legacy) {
    const start = { kind: "middle", offset: met.context_offset, seq: met.context_seq } as const;
    const tail = await examineLog(file, { seed, start, end: size });
    const isFine = tail.fault.kind === "none" || (tail.fault.kind === "torn" && tail.fault.offset >= met.line_end);
    if (isFine) return tail;
  }
  const whole = await examineLog(file, { seed, start: { kind: "beginning" }, end: size });
  // The log was synced before the snapshot was written, so what the snapshot covers was acknowledged and is no torn write.
  if (whole.fault.kind === "torn" && found && whole.fault.offset < found.line_end && found.line_end <= size) {
    const { offset, line, reason } = whole.fault;
    return { ...whole, fault: { kind: "corrupt", offset, line, reason } };
  }
  return whole;
}

function problemOf(
  environment: LogEnvironment,
  examined: Examined,
  longer: SnapshotFile | null,
): SessionProblem | null {
  const { fault } = examined;
  const { paths, sessionId } = environment;
  const where = (at: Fault) => `${paths.log} line ${at.line}: ${at.reason}`;
  const advice = `\`duragent session repair ${sessionId}\` shows what can be done`;
  if (fault.kind === "corrupt") return { code: "session-corrupt", detail: `${where(fault)}; ${advice}` };
  if (fault.kind === "newer") {
    return { code: "session-read-only", detail: `newer-format: ${where(fault)}; use a newer version of Duragent` };
  }
  if (!longer) return null;
  const detail = `${paths.log} line ${examined.lines.length + 1}: the log ends at byte ${examined.goodEnd}, but its snapshot covers ${longer.line_end} bytes`;
  return { code: "session-corrupt", detail: `${detail}; ${advice}` };
}

function beginningIsMissing({ paths }: LogEnvironment): SessionProblem {
  const detail = `${paths.log} line 1: the log does not begin with its first event, and ${paths.legacyState}, which would tell what came before, can not be read`;
  return { code: "session-corrupt", detail };
}

async function setTornEndAside(
  environment: LogEnvironment,
  file: FileHandle,
  range: { from: number; size: number },
): Promise<OpenedLog["losses"][number]> {
  const { fs, paths } = environment;
  const bytes = await file.read(range.from, range.size - range.from);
  await appendBytes(fs, paths.torn, bytes);
  await file.truncate(range.from);
  const message = `${bytes.length} bytes after byte ${range.from} were a write that a crash cut off; they are kept in events.torn`;
  return { code: "torn-write", message };
}

// The snapshot would be found too long again at every opening, until the log has grown past it.
async function forgetLostEvents(
  environment: LogEnvironment,
  found: SnapshotFile,
  goodEnd: number,
): Promise<OpenedLog["losses"][number]> {
  await environment.fs.remove(environment.paths.snapshot);
  const message = `the machine stopped before ${found.line_end - goodEnd} bytes up to event ${found.seq} had reached the disk (durability: flushed)`;
  return { code: "events-lost", message };
}

const rewriteBytesMax = 1024 * 1024;

// What was read may be in the page cache only, after a crash between a write and its sync: a sync alone does not bring
// back pages that an earlier failed sync has marked clean, so the bytes are written again.
async function rewriteLastWrite(environment: LogEnvironment, file: FileHandle, examined: Examined): Promise<void> {
  let offset = examined.lastWriteOffset;
  while (offset < examined.goodEnd) {
    const bytes = await file.read(offset, Math.min(rewriteBytesMax, examined.goodEnd - offset));
    const written = bytes.length === 0 ? 0 : await file.write(bytes, offset);
    if (written === 0) throw Object.assign(new Error("the last write could not be written again"), { code: "EIO" });
    offset += written;
  }
  await file.sync();
  await environment.fs.syncFolder(environment.paths.folder);
}

async function fold(
  environment: LogEnvironment,
  examined: Examined,
  met: SnapshotFile | null,
): Promise<Omit<OpenedLog, "problem" | "losses"> | null> {
  const legacy = met?.legacy ?? examined.legacy;
  const firstSeq = examined.lines[0]?.seq ?? Number.MAX_SAFE_INTEGER;
  const upcaster = new Upcaster(environment.sessionId, legacy);
  const all: SessionEvent[] = [];
  const needsTelling = (legacy || examined.lines.length === 0) && !met && firstSeq > 1;
  const told = legacy || needsTelling ? await toldBefore(environment, firstSeq) : [];
  const isEmpty = examined.lines.length === 0 && told.length === 0 && !met;
  if (isEmpty && (examined.fault.kind === "none" || examined.fault.kind === "torn")) return null;
  for (const record of told) all.push(...upcaster.push(record, false));
  for (const line of examined.lines) if (line.record) all.push(...upcaster.push(line.record, line.crc !== null));
  all.push(...upcaster.finish());

  const base = met ? { head: met.seq, epoch: met.epoch, outcomeSeq: met.outcome_seq, ended: met.ended } : noFacts;
  const keys = new IdempotencyKeys(met?.keys);
  let facts = base;
  for (const event of all) {
    if (event.seq <= base.head) continue;
    facts = foldFacts(facts, event);
    keys.note(event);
  }
  const last = examined.lines.at(-1);
  const head = Math.max(facts.head, last?.seq ?? 0);
  return {
    facts: { ...facts, head },
    keys,
    lastLine: last
      ? { seq: last.seq, offset: last.offset, end: last.end, crc: last.crc }
      : { seq: head, offset: met?.line_offset ?? 0, end: met?.line_end ?? 0, crc: met?.line_crc ?? null },
    legacy: legacy || told.length > 0,
    snapshot: met && asSnapshot(met),
    snapshotFile: met,
    events: met ? all.filter((event) => event.seq >= met.context_seq) : all,
  };
}

/** What Duragent 0.5 had compacted away before the log's first line. */
export async function toldBefore(environment: LogEnvironment, firstSeq: number): ReturnType<typeof toldOrNothing> {
  return firstSeq > 1 ? toldOrNothing(environment, firstSeq) : [];
}

async function toldOrNothing(environment: LogEnvironment, firstSeq: number) {
  return (await readLegacyState(environment.fs, environment.paths.legacyState, firstSeq)) ?? [];
}
