import type { Readable, Writable } from "node:stream";

import type { Ground } from "./ground.ts";

/** A stream that may be a terminal. */
export type Input = Readable & { isTTY?: boolean; setRawMode?(on: boolean): unknown };
export type Output = Writable & { isTTY?: boolean; columns?: number };

/** What every command may use of the world. */
export type CommandContext = {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What only the composition root can make: configuration, servers, checks, stores without a server. */
  ground(): Promise<Ground>;
  /** Calls back at ctrl-c and SIGTERM instead of ending the process, until it is let go of. */
  onInterrupt(listener: () => void): () => void;
};

/** The flags that every command has. */
export type GlobalFlags = {
  config?: string;
  server?: string;
  token?: string;
  json: boolean;
  /** -1 with -q, 1 with -v, 2 with -vv. */
  verbosity: number;
};
