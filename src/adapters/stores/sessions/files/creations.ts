import type { Clock } from "../../../../ports/clock.ts";
import type { FileSystem } from "../../../../ports/file-system.ts";
import type { SessionId } from "../../../../schema/ids.ts";
import { DuragentError } from "../../../../schema/problem.ts";
import type { EventDraft } from "../../../../schema/session-event.ts";
import { storageError } from "../../storage-error.ts";
import { placeEvents } from "../place-events.ts";
import type { IdentityLog } from "./identity-log.ts";
import type { KnownSessions } from "./known-sessions.ts";
import type { OpenSessions } from "./open-sessions.ts";
import { sessionPaths } from "./paths.ts";

type CreationKey = { key: string; digest: string };
export type Created =
  | { kind: "created"; durable: Promise<void> }
  | { kind: "existing"; sessionId: SessionId; digest: string };

export type CreationsOptions = {
  fs: FileSystem;
  clock: Clock;
  sessions: string;
  identity: IdentityLog;
  known: KnownSessions;
  open: OpenSessions;
};

/** Makes sessions: an id once for ever, a key once per store. */
export class Creations {
  readonly #options: CreationsOptions;
  /** Being made: what comes for the same key or id waits for the outcome. */
  readonly #running = new Map<string, Promise<void>>();

  constructor(options: CreationsOptions) {
    this.#options = options;
  }

  async create(id: SessionId, drafts: EventDraft[], key: CreationKey | undefined): Promise<Created> {
    sessionPaths(this.#options.sessions, id);
    const names = [`id ${id}`, ...(key ? [`key ${key.key}`] : [])];
    // No `await` lies between finding nobody and taking the names.
    for (let other = this.#find(names); other; other = this.#find(names)) await other;
    const existing = key && this.#existing(key.key);
    if (existing) return existing;
    const { promise: done, resolve: finish } = Promise.withResolvers<void>();
    for (const name of names) this.#running.set(name, done);
    const end = () => {
      for (const name of names) this.#running.delete(name);
      finish();
    };
    try {
      const { written } = await this.#make(id, drafts, key);
      const durable = this.#settle(id, written);
      durable.then(end, end);
      return { kind: "created", durable };
    } catch (error) {
      end();
      throw error instanceof DuragentError ? error : storageError(`cannot create session ${id}`, error);
    }
  }

  #find(names: string[]): Promise<void> | undefined {
    return names.map((name) => this.#running.get(name)).find((running) => running !== undefined);
  }

  // A key whose session never became durable counts as not seen; that of a deleted session stays taken.
  #existing(key: string): Created | undefined {
    const { identity, known } = this.#options;
    const creation = identity.keys.get(key);
    if (!creation) return undefined;
    const isTaken = known.has(creation.sessionId) || identity.deleted.has(creation.sessionId);
    return isTaken ? { kind: "existing", ...creation } : undefined;
  }

  // The key is durable before the log is: a repeated request finds the session, or makes it again under another id.
  async #make(id: SessionId, drafts: EventDraft[], key: CreationKey | undefined): Promise<{ written: Promise<void> }> {
    const { clock, identity, known, open } = this.#options;
    if (identity.deleted.has(id))
      throw new DuragentError("session-ended", `${id} was deleted; its id is never given again`);
    if (known.head(id) === null && known.has(id)) await open.get(id).catch(onlyWhatIsThere);
    if (known.has(id)) throw new DuragentError("conflict", `there is a session ${id} already`);
    if (key) await identity.recordKey(key.key, { sessionId: id, digest: key.digest }, clock.now());
    const log = await open.create(id);
    // A fork begins with decisions and outcomes: they were made under no lease of this log, before the first.
    const placed = placeEvents(drafts, 0, 0);
    known.set(id, placed.length);
    return { written: log.append(placed) };
  }

  async #settle(id: SessionId, durable: Promise<void>): Promise<void> {
    const { fs, known, open, sessions } = this.#options;
    try {
      await durable;
    } catch (error) {
      known.delete(id);
      open.drop(id);
      await fs.remove(sessionPaths(sessions, id).folder);
      throw error;
    }
  }
}

function onlyWhatIsThere(): void {
  // Whatever is wrong with that session: its id is taken as long as it is listed.
}
