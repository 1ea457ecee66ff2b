import type { FileSystem } from "../../../../ports/file-system.ts";
import type { RepairReport, VerifyReport } from "../../../../ports/session-store.ts";
import type { SessionId } from "../../../../schema/ids.ts";
import type { StoredEvent } from "../../../../schema/session-event-read.ts";
import { appendBytes } from "./append-bytes.ts";
import { inspectLog, type InspectedLine, type Inspection } from "./inspect-log.ts";
import { sealLine } from "./line.ts";
import type { SessionPaths } from "./paths.ts";
import { readSnapshotFile } from "./snapshot-file.ts";

export type RepairEnvironment = {
  fs: FileSystem;
  sessionId: SessionId;
  paths: SessionPaths;
  seed: number;
  nowIso: string;
};

/** Events that one repair stands in for; more missing numbers than this are no accident of a disk. */
const missingMax = 10_000;

/** Names every bad line of a log. Reads the file only. */
export async function verifyLog(environment: Omit<RepairEnvironment, "nowIso">): Promise<VerifyReport> {
  return (await inspect(environment)).report;
}

/**
 * Makes a corrupt log whole again without losing a byte: bad lines move to events.quarantine.jsonl, an `error` event with
 * the lost number stands where each was, and lines that were moved go back to their place. With `reseal`, a line whose
 * only fault is its `crc` is taken as it stands. Without `apply` it says what it would do.
 */
export async function repairLog(
  environment: RepairEnvironment,
  options: { apply: boolean; reseal: boolean },
): Promise<RepairReport> {
  const { report, inspection, longerSnapshot } = await inspect(environment);
  const plan = report.problems.length === 0 ? nothingToDo() : planRepair(inspection, environment, options.reseal);
  const actions = [...plan.actions];
  if (plan.text === null) return { ...report, actions, applied: false };
  if (longerSnapshot) actions.push("remove the snapshot, which covers more than the log holds");
  if (!options.apply || actions.length === 0) return { ...report, actions, applied: false };
  const { fs, paths } = environment;
  if (plan.quarantined.length > 0) await appendBytes(fs, paths.quarantine, Buffer.concat(plan.quarantined));
  await fs.replace(paths.log, Buffer.from(plan.text), { sync: true });
  await fs.remove(paths.snapshot);
  return { ...(await inspect(environment)).report, actions, applied: true };
}

type Plan = { actions: string[]; quarantined: Uint8Array[]; text: Uint8Array | null };

function nothingToDo(): Plan {
  return { actions: [], quarantined: [], text: null };
}

async function inspect({ fs, sessionId, paths, seed }: Omit<RepairEnvironment, "nowIso">) {
  const file = await fs.open(paths.log, "read");
  try {
    const end = await file.size();
    const inspection = await inspectLog(file, { seed, end });
    const problems: VerifyReport["problems"] = [];
    for (const { line, problem } of inspection.lines)
      if (problem !== null) problems.push({ file: paths.log, line, reason: problem });
    const snapshot = await readSnapshotFile(fs, paths.snapshot, seed);
    const longerSnapshot = snapshot !== null && snapshot.line_end > end;
    if (longerSnapshot) {
      const reason = `the log ends at byte ${end}, but its snapshot covers ${snapshot.line_end} bytes up to event ${snapshot.seq}`;
      problems.push({ file: paths.log, line: inspection.lines.length + 1, reason });
    }
    const events = inspection.lines.filter((line) => line.problem === null).length;
    const report: VerifyReport = { sessionId, events, bytes: end, problems };
    return { report, inspection, longerSnapshot };
  } finally {
    await file.close();
  }
}

function planRepair(inspection: Inspection, environment: RepairEnvironment, reseal: boolean): Plan {
  const newer = inspection.lines.find((line) => line.newer);
  if (newer)
    return { ...nothingToDo(), actions: [`nothing: line ${newer.line} was written by a newer version; use that`] };
  const actions: string[] = [];
  const quarantined: Uint8Array[] = [];
  const kept = new Map<number, { raw: Uint8Array; epoch: number }>();
  for (const line of inspection.lines) {
    const taken = takeLine(line, { reseal, seed: environment.seed });
    if (taken && !kept.has(taken.record.seq)) {
      kept.set(taken.record.seq, { raw: taken.raw, epoch: taken.record.epoch ?? 0 });
      if (taken.action !== null) actions.push(taken.action);
      continue;
    }
    quarantined.push(line.raw.at(-1) === 10 ? line.raw : Buffer.concat([line.raw, Buffer.from("\n")]));
    actions.push(`move line ${line.line} to events.quarantine.jsonl: ${line.problem ?? "its number is taken"}`);
  }
  const seqs = [...kept.keys()].toSorted((a, b) => a - b);
  if (seqs.length === 0 || (seqs[0] !== 1 && !inspection.legacy)) {
    return {
      ...nothingToDo(),
      actions: ["nothing: the log's first event is lost, and nothing else says whose session it was"],
    };
  }
  const missing = inspection.legacy ? 0 : (seqs.at(-1) ?? 0) - seqs.length;
  if (missing > missingMax)
    return { ...nothingToDo(), actions: [`nothing: ${missing} events are missing; restore a backup`] };
  actions.push(...describeOrder(inspection));
  return { actions, quarantined, text: writeLog(seqs, kept, { environment, actions, legacy: inspection.legacy }) };
}

function takeLine(
  line: InspectedLine,
  options: { reseal: boolean; seed: number },
): { record: StoredEvent; raw: Uint8Array; action: string | null } | null {
  if (line.record) return { record: line.record, raw: line.raw, action: null };
  if (!options.reseal || !line.edited) return null;
  const { b: _mark, crc: _crc, ...fields } = line.edited;
  const { text } = sealLine(JSON.stringify(fields).slice(0, -1), false, options.seed);
  return {
    record: line.edited,
    raw: Buffer.from(text),
    action: `take line ${line.line} as it stands and seal it: ${line.problem}`,
  };
}

function describeOrder({ lines }: Inspection): string[] {
  const moved = lines.filter((line) => line.record && line.problem !== null && !line.problem.includes("repeats"));
  return moved.map((line) => `put line ${line.line} where its number belongs: ${line.problem}`);
}

function writeLog(
  seqs: number[],
  kept: ReadonlyMap<number, { raw: Uint8Array; epoch: number }>,
  { environment, actions, legacy }: { environment: RepairEnvironment; actions: string[]; legacy: boolean },
): Uint8Array {
  const parts: Uint8Array[] = [];
  let epoch = 0;
  let next = seqs[0] ?? 1;
  for (const seq of seqs) {
    for (; next < seq && !legacy; next += 1) {
      parts.push(Buffer.from(standIn(next, epoch, environment)));
      actions.push(`write an \`error\` event in place of the lost event ${next}`);
    }
    const line = kept.get(seq);
    if (line) parts.push(line.raw);
    epoch = Math.max(epoch, line?.epoch ?? 0);
    next = seq + 1;
  }
  return Buffer.concat(parts);
}

function standIn(seq: number, epoch: number, { nowIso, seed }: RepairEnvironment): string {
  const event = {
    seq,
    timestamp: nowIso,
    type: "error",
    code: "event-lost",
    message: "this event could not be read; its line, if there was one, is in events.quarantine.jsonl",
    retryable: false,
    ...(epoch > 0 && { epoch }),
  };
  return sealLine(JSON.stringify(event).slice(0, -1), false, seed).text;
}
