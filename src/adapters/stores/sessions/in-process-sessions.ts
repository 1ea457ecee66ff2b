import type { Clock } from "../../../ports/clock.ts";
import type { SessionId } from "../../../schema/ids.ts";
import { Attachments } from "./attachments.ts";
import { Leases } from "./leases.ts";
import { Watchers } from "./watchers.ts";

/** What a store with one process keeps in memory only: leases, attached clients, watchers. All of it dies with the process. */
export class InProcessSessions {
  readonly leases: Leases;
  readonly attachments: Attachments;
  readonly watchers = new Watchers();
  readonly #headOf: (id: SessionId) => number;

  constructor(clock: Clock, headOf: (id: SessionId) => number) {
    this.leases = new Leases(clock);
    this.attachments = new Attachments(clock, (id) => this.wakeUp(id));
    this.#headOf = headOf;
  }

  wakeUp(id: SessionId): void {
    this.leases.wakeUp(id);
    this.watchers.hint(id, this.#headOf(id));
  }

  forget(id: SessionId, reason: Error): void {
    this.leases.forget(id, reason);
    this.attachments.forget(id);
  }

  close(reason: Error): void {
    this.leases.close(reason);
    this.attachments.close();
    this.watchers.close();
  }
}
