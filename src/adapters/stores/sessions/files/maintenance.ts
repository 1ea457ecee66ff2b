import { join } from "node:path";

import type { Clock } from "../../../../ports/clock.ts";
import type { FileSystem } from "../../../../ports/file-system.ts";
import type { RepairReport, VerifyReport } from "../../../../ports/session-store.ts";
import type { DeletedSpending } from "../../../../schema/deleted-spending.ts";
import type { SessionId } from "../../../../schema/ids.ts";
import { DuragentError } from "../../../../schema/problem.ts";
import { storageError } from "../../storage-error.ts";
import type { InProcessSessions } from "../in-process-sessions.ts";
import type { FruitlessOpens } from "./fruitless-opens.ts";
import type { IdentityLog } from "./identity-log.ts";
import type { KnownSessions } from "./known-sessions.ts";
import { seedOf } from "./line.ts";
import { notFound, type OpenSessions } from "./open-sessions.ts";
import { sessionPaths, trashFolder } from "./paths.ts";
import { repairLog, verifyLog } from "./repair-log.ts";

export type MaintenanceFacts = {
  fs: FileSystem;
  clock: Clock;
  sessions: string;
  identity: IdentityLog;
  known: KnownSessions;
  open: OpenSessions;
  opens: FruitlessOpens;
  process: InProcessSessions;
};

const trashAgeMs = 24 * 60 * 60 * 1000;

/** What is done to a whole session at once: remove it, check it, mend it. */
export class Maintenance {
  readonly #facts: MaintenanceFacts;
  readonly #deleting = new Set<SessionId>();
  readonly #repairing = new Set<SessionId>();

  constructor(facts: MaintenanceFacts) {
    this.#facts = facts;
  }

  /** Throws `bad-request` for what is no id and `session-ended` for what was deleted. */
  refuseGone(id: SessionId): void {
    // What is known has been checked; this runs for every append.
    if (!this.#facts.known.has(id)) sessionPaths(this.#facts.sessions, id);
    const gone = this.#deleting.has(id) || this.#facts.identity.deleted.has(id);
    if (gone) throw new DuragentError("session-ended", `${id} was deleted`);
    // A log that was opened now would go on in a file that another is about to take the place of.
    if (this.#repairing.has(id))
      throw new DuragentError("overloaded", `${id} is being repaired; try again`, { retryAfterMs: 1_000 });
  }

  /** The id is taken for ever before the log goes, so that nothing of the session comes back after a crash. */
  async delete(id: SessionId, spent?: DeletedSpending): Promise<void> {
    const { fs, clock, sessions, identity, known, open, opens, process } = this.#facts;
    this.#refuse(id);
    this.#deleting.add(id);
    try {
      await open.peek(id)?.settled().catch(toldToTheWriter);
      await identity.recordDeleted(id, clock.now(), spent);
      process.forget(id, new DuragentError("session-ended", `${id} was deleted`));
      open.drop(id);
      opens.forget(id);
      known.delete(id);
      const trash = trashFolder(sessions);
      const inTrash = join(trash, `${id}-${clock.now()}`);
      await fs.makeFolder(trash);
      await fs.rename(sessionPaths(sessions, id).folder, inTrash);
      await fs.syncFolder(sessions);
      clock.after(trashAgeMs, () => void fs.remove(inTrash).catch(leftForTheNextStart));
    } catch (error) {
      throw storageError(`cannot delete session ${id}`, error);
    } finally {
      this.#deleting.delete(id);
    }
  }

  async verify(id: SessionId): Promise<VerifyReport> {
    this.#refuse(id);
    await this.#facts.open.peek(id)?.settled().catch(toldToTheWriter);
    return this.#atDisk(id, (log) => verifyLog(log));
  }

  async repair(id: SessionId, options: { apply: boolean; reseal: boolean }): Promise<RepairReport> {
    this.#refuse(id);
    this.#repairing.add(id);
    try {
      return await this.#repair(id, options);
    } finally {
      this.#repairing.delete(id);
    }
  }

  async #repair(id: SessionId, options: { apply: boolean; reseal: boolean }): Promise<RepairReport> {
    const { clock, known, open, opens, process } = this.#facts;
    await open.close(id);
    const nowIso = new Date(clock.now()).toISOString();
    const report = await this.#atDisk(id, (log) => repairLog({ ...log, nowIso }, options));
    if (report.applied) {
      open.snapshots.delete(id);
      known.set(id, null);
    }
    if (options.apply) {
      await opens.reset(id);
      process.wakeUp(id);
    }
    return report;
  }

  #refuse(id: SessionId): void {
    this.refuseGone(id);
    if (!this.#facts.known.has(id)) throw notFound(id);
  }

  async #atDisk<Report>(
    id: SessionId,
    look: (log: Parameters<typeof verifyLog>[0]) => Promise<Report>,
  ): Promise<Report> {
    const { fs, sessions } = this.#facts;
    const paths = sessionPaths(sessions, id);
    try {
      return await look({ fs, sessionId: id, paths, seed: seedOf(id) });
    } catch (error) {
      throw storageError(`cannot examine ${paths.log}`, error);
    }
  }
}

function toldToTheWriter(): void {
  // Whoever wrote holds the promise that carries this error.
}

function leftForTheNextStart(): void {
  // The trash is emptied at every start, too.
}
