import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

import type { FileSystem } from "../../../ports/file-system.ts";
import { sessionIdSchema } from "../../../schema/ids.ts";

const count = z.int().min(0);

const statusSchema = z.discriminatedUnion("state", [
  z.object({ state: z.literal("running") }),
  z.object({ state: z.literal("completed"), exit_code: z.int() }),
  z.object({ state: z.literal("failed"), exit_code: z.int() }),
  z.object({ state: z.literal("killed") }),
  z.object({ state: z.literal("timed_out") }),
  z.object({ state: z.literal("lost") }),
]);

/** HANDLE.meta.json: what a later server must know to find the process again, and to say its end once. */
const storedSchema = z.object({
  handle: z.string().regex(/^[0-9a-hjkmnp-tv-z]{26}$/),
  session_id: sessionIdSchema,
  agent: z.string(),
  call_id: z.string(),
  idempotency_key: z.string(),
  command: z.string(),
  label: z.string().optional(),
  workdir: z.string(),
  backend: z.enum(["local", "tmux"]),
  /** Of the keeper, which leads the process's own session. Means nothing without `pid_started`. */
  pid: count.optional(),
  /** When that process started, as its kernel counts: a process with the same pid and another start is not ours. */
  pid_started: z.string().optional(),
  tmux_session: z.string().optional(),
  tmux_socket: z.string().optional(),
  log_path: z.string(),
  started_at: z.string(),
  ended_at: z.string().optional(),
  timeout_seconds: z.number().min(0),
  status: statusSchema,
  /** Being ended by us: whatever its exit code, this is what became of it. */
  ending: z.enum(["killed", "timed_out"]).optional(),
  announce_end: z.boolean(),
  /** `process_started` is in the session's log. */
  started_recorded: z.boolean(),
  /** The session has been told of the end, durably. */
  reported: z.boolean(),
  /** `told_bytes`: the log's size when silence was told last. */
  watch: z.object({ interval_seconds: z.number().min(1), told_bytes: count, told_times: count }).optional(),
});
export type StoredProcess = z.infer<typeof storedSchema>;

const suffix = ".meta.json";

export type ProcessFiles = {
  /** Durable once this resolves. */
  write(process: StoredProcess): Promise<void>;
  /** All records that this program can read, and the files that it can not. */
  readAll(): Promise<{ processes: StoredProcess[]; unreadable: string[] }>;
  /** The record and all that belongs to it. */
  remove(handle: string): Promise<void>;
  /** What only a running process needs. */
  removeRunning(handle: string): Promise<void>;
  /** FOLDER/HANDLE: its files are named by what is appended. */
  base(handle: string): string;
};

const runningSuffixes = [".in", ".out", ".guard", ".tmux"] as const;
const suffixes = [suffix, ".log", ".exit", ...runningSuffixes] as const;

export function processFiles(folder: string, fs: FileSystem): ProcessFiles {
  const base = (handle: string): string => join(folder, handle);
  const remove = async (handle: string, which: readonly string[]): Promise<void> => {
    for (const one of which) await fs.remove(base(handle) + one);
  };
  return {
    base,
    async write(process) {
      const text = `${JSON.stringify(process, null, 2)}\n`;
      await fs.replace(base(process.handle) + suffix, Buffer.from(text), { sync: true });
    },
    async readAll() {
      const processes: StoredProcess[] = [];
      const unreadable: string[] = [];
      for (const name of await readdir(folder)) {
        if (!name.endsWith(suffix) || name.startsWith(".")) continue;
        const read = parse(await fs.readFile(join(folder, name)));
        if (read?.handle === name.slice(0, -suffix.length)) processes.push(read);
        else unreadable.push(join(folder, name));
      }
      return { processes, unreadable };
    },
    remove: (handle) => remove(handle, suffixes),
    removeRunning: (handle) => remove(handle, runningSuffixes),
  };
}

function parse(bytes: Uint8Array): StoredProcess | undefined {
  try {
    return storedSchema.safeParse(JSON.parse(Buffer.from(bytes).toString())).data;
  } catch {
    // Not JSON: told to the caller as unreadable, like every other shape.
    return undefined;
  }
}
