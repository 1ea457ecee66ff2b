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
  /** Keeps a version for good; it is synced once this resolves. Repeating it is harmless. */
  putVersion(digest: string, version: { files: AgentFiles; home: string }): Promise<void>;
  getVersion(digest: string): Promise<{ files: AgentFiles; home: string } | undefined>;
}
