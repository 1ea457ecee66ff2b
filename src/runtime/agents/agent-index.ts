import { LRUCache } from "lru-cache";

import type { AgentFiles, AgentPlace, AgentStore } from "../../ports/agent-store.ts";
import type { Log } from "../../ports/telemetry.ts";
import type { YamlError } from "../../schema/yaml-document.ts";
import type { InvalidAgent, LoadedAgent } from "./catalog-types.ts";
import { loadAgent } from "./load-agent.ts";

/** What is known of one place: its name as soon as it was parsed, and what was wrong when it was last read. */
type Entry = {
  readonly place: AgentPlace;
  summary: { name: string; description?: string; version?: string } | null;
  errors: readonly YamlError[];
  /** Read since it last changed. */
  fresh: boolean;
};

type Owner = { readonly name: string; readonly entry: Entry };

type IndexOptions = {
  readonly store: AgentStore;
  readonly log: Log;
  readonly lazyLoad: boolean;
  readonly cacheSize: number;
  readonly providers?: () => readonly string[];
  readonly sendsKey: (provider: string) => boolean;
};

/** Every place where an agent lies, the last good version of each, and which of them answers to a name. */
export class AgentIndex {
  readonly #options: IndexOptions;
  readonly #entries = new Map<string, Entry>();
  /** By key. Without lazy loading nothing ever leaves it but with its place. */
  readonly #agents: Map<string, LoadedAgent> | LRUCache<string, LoadedAgent>;
  /** Computed when asked for, until an entry changes. */
  #ownersNow: ReadonlyMap<string, Owner> | null = null;

  constructor(options: IndexOptions) {
    this.#options = options;
    this.#agents = options.lazyLoad ? new LRUCache({ max: options.cacheSize }) : new Map();
  }

  /** Takes the places as they are now and reads those that changed; the keys that could not be read in peace. */
  async refresh(
    places: readonly AgentPlace[],
    changed: readonly string[] | "all",
    shared: AgentFiles,
  ): Promise<string[]> {
    const there = new Map(places.map((place) => [place.key, place]));
    for (const key of this.#entries.keys()) if (!there.has(key)) this.#forget(key);
    this.#ownersNow = null;
    const unsettled: string[] = [];
    for (const place of places) {
      const known = this.#entries.get(place.key);
      if (known !== undefined && changed !== "all" && !changed.includes(place.key)) continue;
      const entry: Entry = known ?? { place, summary: null, errors: [], fresh: false };
      entry.fresh = false;
      this.#entries.set(place.key, entry);
      if (this.#options.lazyLoad) continue;
      if (!(await this.#read(entry, shared))) unsettled.push(place.key);
    }
    return unsettled;
  }

  async get(name: string, shared: AgentFiles): Promise<LoadedAgent | undefined> {
    if (this.#options.lazyLoad) await this.#readFor(name, shared);
    const owner = this.#ownerOf(name);
    if (owner === undefined) return undefined;
    const { key } = owner.place;
    if (!this.#agents.has(key)) await this.#read(owner, shared);
    return this.#agents.get(key);
  }

  /** The place that answers to a name. */
  keyOf(name: string): string | undefined {
    return this.#ownerOf(name)?.place.key;
  }

  withDigest(digest: string): LoadedAgent | undefined {
    return [...this.#agents.values()].find((agent) => agent.digest === digest);
  }

  /** Lazily, an agent that nobody asked for yet is listed under the name of its folder. */
  list(): { name: string; description?: string; version?: string }[] {
    const named = [...this.#owners().values()].map(({ name, entry }) => {
      return entry.summary?.name === name ? entry.summary : { name };
    });
    return named.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  invalid(): InvalidAgent[] {
    return [...this.#entries.values()].flatMap((entry) => {
      const { place, summary, errors } = entry;
      const owner = summary === null ? undefined : this.#owners().get(summary.name.toLowerCase())?.entry;
      const isTaken = owner !== undefined && owner !== entry && !owner.place.dynamic;
      const message = `the name ${summary?.name} is taken by ${owner?.place.key}; names are unique`;
      const all = isTaken ? [...errors, { file: "agent.yaml", message }] : errors;
      return all.length === 0 ? [] : [{ name: place.name, errors: [...all], servingLastGood: owner === entry }];
    });
  }

  #ownerOf(name: string): Entry | undefined {
    const owner = this.#owners().get(name.toLowerCase());
    return owner?.name === name ? owner.entry : undefined;
  }

  /**
   * Which place answers to a name. Deployed agents shadow static ones; of two static ones the one whose folder is
   * called so, else the first. Names that differ in capitals only would meet in one folder on some disks.
   */
  #owners(): ReadonlyMap<string, Owner> {
    this.#ownersNow ??= this.#findOwners();
    return this.#ownersNow;
  }

  #findOwners(): Map<string, Owner> {
    const owners = new Map<string, Owner>();
    for (const entry of this.#entries.values()) {
      const unread = this.#options.lazyLoad && !entry.fresh && entry.errors.length === 0;
      const name = entry.summary?.name ?? (unread ? entry.place.name : null);
      if (name === null) continue;
      const other = owners.get(name.toLowerCase());
      if (other === undefined || goesBefore(entry, other.entry, name)) owners.set(name.toLowerCase(), { name, entry });
    }
    return owners;
  }

  /** Reads what may answer to a name: the folder of that name, and only if it does not, all that is unread. */
  async #readFor(name: string, shared: AgentFiles): Promise<void> {
    const unread = [...this.#entries.values()].filter((entry) => !entry.fresh);
    for (const entry of unread) {
      if (entry.place.name === name || entry.summary?.name === name) await this.#read(entry, shared);
    }
    if (this.#ownerOf(name)?.summary?.name === name) return;
    for (const entry of unread) if (!entry.fresh) await this.#read(entry, shared);
  }

  /** `false`: somebody is writing there; what was loaded stays. */
  async #read(entry: Entry, shared: AgentFiles): Promise<boolean> {
    const { store, log, providers, sendsKey } = this.#options;
    const read = await store.read(entry.place.key);
    if (read.kind === "changing") return false;
    this.#ownersNow = null;
    if (read.kind === "gone") {
      this.#forget(entry.place.key);
      return true;
    }
    entry.fresh = true;
    if (read.kind === "unreadable") {
      this.#fail(entry, [{ file: entry.place.name, message: read.message }]);
      return true;
    }
    const { files, home, refused, notes } = read;
    const load = loadAgent({
      files: new Map([...shared, ...files]),
      home,
      refused,
      notes,
      providers: providers?.(),
      // Who writes to the agents' folder owns the machine; a deployed agent may be anybody's.
      sendsKey: entry.place.dynamic ? sendsKey : undefined,
    });
    if (!load.ok) {
      this.#fail(entry, load.errors);
      return true;
    }
    const { agent } = load;
    if (this.#agents.get(entry.place.key)?.digest !== agent.digest) {
      log.info({ agent: agent.name, digest: agent.digest }, "Agent loaded");
      for (const warning of agent.warnings) log.warn({ agent: agent.name }, warning);
    }
    this.#agents.set(entry.place.key, agent);
    const { description, version } = agent.definition.metadata;
    entry.summary = {
      name: agent.name,
      ...(description === undefined ? {} : { description }),
      ...(version === undefined ? {} : { version }),
    };
    entry.errors = [];
    return true;
  }

  #fail(entry: Entry, errors: readonly YamlError[]): void {
    entry.errors = errors;
    const kept = entry.summary === null ? "" : "; its last good version stays";
    this.#options.log.error({ agent: entry.place.name, errors }, `Agent is not valid${kept}`);
  }

  #forget(key: string): void {
    this.#entries.delete(key);
    this.#agents.delete(key);
  }
}

function goesBefore(entry: Entry, other: Entry, name: string): boolean {
  if (entry.place.dynamic !== other.place.dynamic) return entry.place.dynamic;
  return entry.place.name === name && other.place.name !== name;
}
