/** A program as it is to be started: an argument vector without a shell, an absolute working directory, the whole environment. */
export type ProgramStart = {
  argv: readonly [string, ...string[]];
  cwd: string;
  env: Readonly<Record<string, string>>;
};

export type Confined = ProgramStart & {
  /** Absolute folders that it may write. `cwd` lies in one of them, or in one of `readable`. */
  writable: readonly string[];
  /** Absolute files and folders that it may read, besides the system's own. Missing ones are left out. */
  readable: readonly string[];
  /** Ends with the process that starts it (the default). `false`: a background process under a keeper of its own. */
  diesWithParent?: boolean;
  /** It is started on a terminal that nobody else uses, and keeps it: for keys like C-c, and a shell's job control. */
  ownTerminal?: boolean;
};

/** What holds tools back. Chosen and probed once, at start. */
export interface Sandbox {
  readonly kind: "bubblewrap" | "none";
  /** What is in force, one short sentence each: for the start line and `doctor`. */
  readonly inForce: readonly string[];
  /** What was wanted and can not be had here, each with a remedy. */
  readonly warnings: readonly string[];
  /** What to start instead. With a sandbox the workspace is the home directory inside. */
  confine(program: Confined): ProgramStart;
}
