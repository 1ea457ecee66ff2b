import { LRUCache } from "lru-cache";

import type { AgentFiles, AgentStore } from "../../ports/agent-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/telemetry.ts";
import { AgentIndex } from "./agent-index.ts";
import type { AgentCatalog, AgentDeployment, LoadedAgent } from "./catalog-types.ts";
import { createAgentDeployment, loadedOrThrow } from "./deployment.ts";
import { loadAgent, type AgentMaterial } from "./load-agent.ts";

export type CatalogOptions = {
  readonly store: AgentStore;
  readonly clock: Clock;
  readonly log: Log;
  /** Parse an agent when it is first asked for, and keep at most `cacheSize`. */
  readonly lazyLoad: boolean;
  readonly cacheSize: number;
  /** The names that `model.provider` can mean, for a warning about others. */
  readonly providers?: () => readonly string[];
  /** Of which providers the server would send a key of its own; without this, of all that need one. */
  readonly sendsKey?: (provider: string) => boolean;
};

/** A catalog with a lifetime. */
export type LivingCatalog = AgentCatalog &
  AgentDeployment & {
    /** From now on changes are taken up by themselves, those since the last reading too. */
    follow(): void;
    close(): Promise<void>;
  };

/** Versions of older turns that are kept parsed. */
const oldVersionsMax = 200;
/** Providers that are asked without a key. */
const keyless = new Set(["ollama", "scripted"]);
/** When a folder was being written while it was read. */
const againMs = 200;

/** Reads all agents (or, lazily, their names). An agent that is not valid never keeps the others out. */
export async function createCatalog(options: CatalogOptions): Promise<LivingCatalog> {
  const { store, clock, log } = options;
  const listeners = new Set<() => void>();
  const versions = new LRUCache<string, LoadedAgent>({ max: oldVersionsMax });
  const keeping = new LRUCache<string, Promise<void>>({ max: 10_000 });
  const pending = { keys: new Set<string>(), all: false };
  const sendsKey = options.sendsKey ?? ((provider) => !keyless.has(provider));
  const index = new AgentIndex({ ...options, sendsKey });
  let shared: AgentFiles = await store.shared();
  let cancelAgain: (() => void) | null = null;
  let closed = false;

  const refresh = async (): Promise<void> => {
    const everything = pending.all;
    const keys = [...pending.keys];
    pending.all = false;
    pending.keys.clear();
    if (everything) shared = await store.shared();
    const places = await store.list();
    const unsettled = await index.refresh(places, everything ? "all" : keys, shared);
    if (unsettled.length > 0 && !closed) {
      for (const key of unsettled) pending.keys.add(key);
      cancelAgain?.();
      cancelAgain = clock.after(againMs, () => void take());
    }
    for (const listener of listeners) listener();
  };
  // One at a time, so that an older reading never replaces a newer one; changes in between are taken together.
  let last: Promise<void> = Promise.resolve();
  let queued = false;
  const take = (): Promise<void> => {
    if (queued) return last;
    queued = true;
    last = last
      .catch(() => undefined)
      .then(() => {
        queued = false;
        return closed ? undefined : refresh();
      });
    last.catch((error: unknown) => {
      // What was to be read is not known any more.
      pending.all = true;
      log.error({ error }, "The agents could not be read; those that were loaded stay");
    });
    return last;
  };

  pending.all = true;
  await take();
  let watching: Promise<{ close(): Promise<void> } | null> | null = null;
  const watch = async (): Promise<{ close(): Promise<void> } | null> => {
    try {
      const watcher = await store.watch({
        onChange(change) {
          if (change === "all") pending.all = true;
          else for (const key of change.keys) pending.keys.add(key);
          void take();
        },
        onError: (error) => log.warn({ error }, "Changes of agents may not be seen; reload them by hand"),
      });
      // What changed before it saw anything is found by reading once more.
      pending.all = true;
      void take();
      return watcher;
    } catch (error) {
      log.warn({ error }, "Changes of agents are not seen; reload them by hand");
      return null;
    }
  };

  const get = async (name: string): Promise<LoadedAgent | undefined> => {
    const agent = await index.get(name, shared);
    if (agent !== undefined) versions.set(agent.digest, agent);
    return agent;
  };

  return {
    ...createAgentDeployment({
      store,
      get,
      async refresh(key) {
        pending.keys.add(key);
        await take();
      },
      keyOf: (name) => index.keyOf(name),
      shared: () => shared,
      providers: options.providers,
      sendsKey,
    }),
    get,
    list: () => index.list(),
    invalid: () => index.invalid(),

    async version(digest) {
      const known = versions.get(digest) ?? index.withDigest(digest);
      if (known !== undefined) return known;
      const agent = await storedVersion(digest, options);
      if (agent !== undefined) versions.set(digest, agent);
      return agent;
    },

    inline(spec) {
      const agent = inlineAgent(spec, { shared, providers: options.providers?.(), sendsKey });
      versions.set(agent.digest, agent);
      return agent;
    },

    keep(agent) {
      const begun = keeping.get(agent.digest);
      if (begun !== undefined) return begun;
      const kept = store.putVersion(agent.digest, { files: agent.files, home: agent.home });
      keeping.set(agent.digest, kept);
      // A disk that was full may have room the next time.
      kept.catch(() => keeping.delete(agent.digest));
      return kept;
    },

    async reload() {
      pending.all = true;
      await take();
      return index.list().length;
    },

    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    follow() {
      if (!closed) watching ??= watch();
    },

    async close() {
      closed = true;
      cancelAgain?.();
      await (await watching)?.close();
      await last.catch(() => undefined);
    },
  };
}

/** A version that was kept, if it is still what its digest says. */
async function storedVersion(
  digest: string,
  { store, log, providers }: CatalogOptions,
): Promise<LoadedAgent | undefined> {
  try {
    const stored = await store.getVersion(digest);
    if (stored === undefined) return undefined;
    const load = loadAgent({ ...stored, providers: providers?.() });
    if (load.ok && load.agent.digest === digest) return load.agent;
    const errors = load.ok ? [{ message: "its files are not those that were kept" }] : load.errors;
    log.error({ digest, errors }, "A stored version of an agent can not be used");
  } catch (error) {
    // Damaged or unreadable: the caller goes on as if it were not there, which it says.
    log.error({ digest, error }, "A stored version of an agent can not be read");
  }
  return undefined;
}

function inlineAgent(
  spec: unknown,
  { shared, ...rest }: { shared: AgentFiles } & Pick<AgentMaterial, "providers" | "sendsKey">,
): LoadedAgent {
  // JSON is YAML; a text is taken as the YAML that it is.
  const source = typeof spec === "string" ? spec : JSON.stringify(spec ?? null, null, 2);
  const files = new Map([...shared, ["agent.yaml", new TextEncoder().encode(source)] as const]);
  return loadedOrThrow({ files, home: "", ...rest });
}
