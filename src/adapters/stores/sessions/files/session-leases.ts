import type { Held, Lease } from "../../../../ports/session-store.ts";
import type { SessionId } from "../../../../schema/ids.ts";
import { DuragentError } from "../../../../schema/problem.ts";
import type { Leases } from "../leases.ts";
import type { StoreEpoch } from "./epoch-file.ts";
import type { FruitlessOpens } from "./fruitless-opens.ts";
import type { LogFacts } from "./log-facts.ts";
import { fruitlessOpensMax } from "./opens-file.ts";
import type { SessionLog } from "./session-log.ts";

export type SessionLeasesOptions = { epoch: StoreEpoch; opens: FruitlessOpens; leases: Leases };

/** Gives and takes back the right to run a session of this data directory. */
export class SessionLeases {
  readonly #options: SessionLeasesOptions;
  readonly #acquiring = new Map<SessionId, string>();

  constructor(options: SessionLeasesOptions) {
    this.#options = options;
  }

  /** Throws `repeated-crash`, `session-corrupt`, `session-read-only`, `storage-failed`, `session-not-found`, `session-ended`. */
  async acquire(
    id: SessionId,
    worker: string,
    log: { openFacts: () => LogFacts | null; open: () => Promise<SessionLog>; insists: boolean },
  ): Promise<Lease | Held> {
    const { leases } = this.#options;
    const owner = leases.owner(id) ?? this.#acquiring.get(id);
    if (owner !== undefined) return { kind: "held", owner };
    this.#acquiring.set(id, worker);
    try {
      return await this.#take(id, worker, log);
    } catch (error) {
      // Not offered again before something new comes.
      leases.setAside(id);
      throw error;
    } finally {
      this.#acquiring.delete(id);
    }
  }

  async #take(
    id: SessionId,
    worker: string,
    {
      openFacts,
      open,
      insists,
    }: { openFacts: () => LogFacts | null; open: () => Promise<SessionLog>; insists: boolean },
  ): Promise<Lease> {
    const { epoch, leases, opens } = this.#options;
    const already = openFacts();
    if (already) opens.noteOutcome(id, already.outcomeSeq);
    if (insists) await opens.reset(id);
    if ((await opens.count(id)) >= fruitlessOpensMax) throw repeatedCrash(id);
    await opens.raise(id, already?.head ?? null);
    const log = await open();
    const refusal = log.refusal();
    if (refusal) {
      await opens.reset(id);
      throw refusal;
    }
    const { head, outcomeSeq } = log.durable;
    const fruitlessOpens = await opens.settle(id, { head, outcomeSeq });
    await epoch.raiseAbove(log.tail.epoch);
    return leases.grant(id, worker, {
      epoch: epoch.current,
      head: log.tail.head,
      previous: epoch.previousHolder(log.tail.epoch),
      fruitlessOpens,
    });
  }

  async release(
    lease: Lease,
    { seen, wakeAt, facts }: { seen: { head: number; wake: number }; wakeAt: number | null; facts: LogFacts | null },
  ): Promise<boolean> {
    const { leases, opens } = this.#options;
    const id = lease.sessionId;
    if (!leases.holds(lease)) return true;
    if (facts && facts.head !== seen.head) return false;
    if (leases.wakeOf(id) !== seen.wake) return false;
    leases.release(lease, wakeAt);
    // Only a brake: a count that stays on disk is disproved by the next outcome in the log.
    await opens.reset(id, facts ?? undefined).catch(() => undefined);
    return true;
  }
}

export function repeatedCrash(id: SessionId): DuragentError {
  return new DuragentError(
    "repeated-crash",
    `${id} was opened ${fruitlessOpensMax} times and each time the server died before anything came of it; ` +
      `a new message, an answer to its question, its end or \`duragent session repair ${id} --yes\` makes it try again`,
  );
}
