import type { FileSystem } from "../../../../ports/file-system.ts";
import type { SessionProblem, SessionSummary, Snapshot } from "../../../../ports/session-store.ts";
import type { SessionId } from "../../../../schema/ids.ts";
import { DuragentError } from "../../../../schema/problem.ts";
import type { FruitlessOpens } from "./fruitless-opens.ts";
import type { KnownSessions } from "./known-sessions.ts";
import { seedOf } from "./line.ts";
import type { OpenSessions } from "./open-sessions.ts";
import { fruitlessOpensMax } from "./opens-file.ts";
import { sessionPaths } from "./paths.ts";
import { repeatedCrash } from "./session-leases.ts";
import type { SessionLog } from "./session-log.ts";
import { asSnapshot, readSnapshotFile } from "./snapshot-file.ts";

export type SummarizeFacts = {
  fs: FileSystem;
  sessions: string;
  known: KnownSessions;
  open: OpenSessions;
  opens: FruitlessOpens;
  log: (id: SessionId) => Promise<SessionLog>;
};

/** What a list shows of each session. Logs whose end is not covered by a snapshot are opened. */
export async function summarize(ids: SessionId[], facts: SummarizeFacts): Promise<SessionSummary[]> {
  const summaries = await Promise.all(ids.map((id) => summarizeOne(id, facts)));
  return summaries.filter((summary) => summary !== null);
}

async function summarizeOne(id: SessionId, facts: SummarizeFacts): Promise<SessionSummary | null> {
  const { known, open, opens } = facts;
  const crashes = (opens.knownCount(id) ?? 0) >= fruitlessOpensMax && !open.peek(id);
  if (crashes)
    return { sessionId: id, head: known.head(id) ?? 0, snapshot: null, problem: asProblem(repeatedCrash(id)) };
  try {
    if (known.head(id) === null) await facts.log(id);
  } catch (error) {
    if (!(error instanceof DuragentError)) throw error;
    if (error.code === "session-not-found" || error.code === "session-ended") return null;
    return { sessionId: id, head: 0, snapshot: null, problem: asProblem(error) };
  }
  const head = known.head(id) ?? 0;
  const problem = open.peek(id)?.problem;
  const snapshot = await newestSnapshot(id, facts);
  return { sessionId: id, head, snapshot: snapshot?.seq === head ? snapshot : null, ...(problem && { problem }) };
}

async function newestSnapshot(id: SessionId, facts: SummarizeFacts): Promise<Snapshot | null> {
  const cached = facts.open.snapshots.get(id);
  if (cached) return cached;
  const file = await readSnapshotFile(facts.fs, sessionPaths(facts.sessions, id).snapshot, seedOf(id));
  const snapshot = file && asSnapshot(file);
  if (snapshot) facts.open.snapshots.set(id, snapshot, { size: 1024 });
  return snapshot;
}

function asProblem(error: DuragentError): SessionProblem {
  const { code, message: detail } = error;
  if (code === "session-corrupt" || code === "session-read-only" || code === "repeated-crash") return { code, detail };
  return { code: "storage-failed", detail };
}
