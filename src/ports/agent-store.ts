/** Files of one agent by path inside its folder, with `/`. */
export type AgentFiles = ReadonlyMap<string, Uint8Array>;

/** Where one agent lies, whether or not it is valid. */
export type AgentPlace = {
  /** Names the place in this store, e.g. `static/my-assistant`; stable while the agent lies there. */
  readonly key: string;
  /** The folder's name, or the file's without its ending. */
  readonly name: string;
  /** Deployed while the server ran: stands before others of the same agent's name. */
  readonly dynamic: boolean;
};

/** One agent as it lay there at one moment. */
export type AgentPackageRead =
  | {
      readonly kind: "package";
      readonly files: AgentFiles;
      /** The folder's absolute path; empty for an agent that is a single file. */
      readonly home: string;
      /** Paths inside the folder that lead out of it, or are no files: never read. */
      readonly refused: readonly string[];
      /** What was left out or is not used: one sentence each. */
      readonly notes: readonly string[];
    }
  | { readonly kind: "gone" }
  /** Somebody is writing there: look again later. */
  | { readonly kind: "changing" }
  | { readonly kind: "unreadable"; readonly message: string };

/** All that belongs to an agent, its policy and its tools included: what is deployed, exported and imported. */
export type WholeAgent = {
  readonly files: AgentFiles;
  /** Paths of files that may be run. */
  readonly executable: ReadonlySet<string>;
};

/** What became of a deployment. `conflict`: `ifMatch` was not the revision that lies there; `taken`: by a name that differs in capitals only. */
export type PutAgent =
  | { readonly kind: "created" | "updated" | "unchanged"; readonly revision: string }
  | { readonly kind: "conflict"; readonly revision: string | null }
  | { readonly kind: "taken"; readonly by: string };

/** `all`: anything may have changed, the shared files too. */
export type AgentChange = { readonly keys: readonly string[] } | "all";

/** Where agents come from, and where the versions that turns used are kept. */
export interface AgentStore {
  list(): Promise<AgentPlace[]>;
  read(key: string): Promise<AgentPackageRead>;
  /** Files that belong to every agent, under `.shared/`. */
  shared(): Promise<AgentFiles>;
  /** Calls back after 200 ms of quiet (or 2 s without any). */
  watch(listener: {
    onChange: (change: AgentChange) => void;
    /** Some or all changes may no longer be seen. */
    onError: (error: unknown) => void;
  }): Promise<{ close(): Promise<void> }>;
  /** Everything of the agent at a place, for export. `undefined` where none lies. Throws `unprocessable` past the limits of a package. */
  readWhole(key: string): Promise<WholeAgent | undefined>;
  /** What identifies the contents deployed under a name; `null` where nothing is. */
  revision(name: string): Promise<string | null>;
  /**
   * Deploys an agent whole or not at all; it is durable once this resolves, and what was deployed before stays in place
   * until then. Its place has the key `dynamic/NAME`. With `ifMatch` only over that revision, `null`: only where none is
   * deployed. Throws `storage-failed`, `storage-full`.
   */
  put(name: string, agent: WholeAgent, ifMatch?: string | null): Promise<PutAgent>;
  /** Takes back what was deployed under a name, durably; `false` if nothing was. A static agent of that name is untouched. */
  delete(name: string): Promise<boolean>;
  /** Keeps a version for good; it is synced once this resolves. Repeating it is harmless. */
  putVersion(digest: string, version: { files: AgentFiles; home: string }): Promise<void>;
  getVersion(digest: string): Promise<{ files: AgentFiles; home: string } | undefined>;
}
