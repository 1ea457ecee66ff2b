import { readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

import type { ProgramStart } from "../../../ports/sandbox.ts";
import type { ProcessStatus } from "../../../ports/background-processes.ts";
import { ownPath, type Ground } from "./ground.ts";
import { startKeeper } from "./keeper.ts";
import { reportEnd } from "./report-end.ts";
import { placeScreen, startScreen, type Screen } from "./screen.ts";
import { stopProcesses } from "./stop-processes.ts";
import type { StoredProcess } from "./stored-process.ts";
import { watchSilence } from "./watch-silence.ts";

/** One process from its record to its last report. What happens to it is in the record first. */
export class ProcessLife {
  stored: StoredProcess;
  /** Resolves when it has ended, however. */
  readonly over: Promise<void>;
  /** What must be in the session's log before its end is. */
  recording: Promise<unknown> = Promise.resolve();
  /** When the log was seen to grow last. */
  grown = { bytes: -1, at: 0 };
  readonly #ground: Ground;
  #end: () => void = () => undefined;
  #saved: Promise<void> = Promise.resolve();
  /** There is a process to be looked at. */
  #begun = false;
  #looking: Promise<unknown> | null = null;
  #failures = 0;
  #stopping: Promise<void> | null = null;
  #reporting: Promise<void> = Promise.resolve();
  /** As `ending` of the record, where that could not be written. */
  #why: StoredProcess["ending"];

  constructor(ground: Ground, stored: StoredProcess) {
    this.#ground = ground;
    this.stored = stored;
    this.over = new Promise((resolve) => (this.#end = resolve));
    if (!this.isRunning) this.#end();
  }

  get isRunning(): boolean {
    return this.stored.status.state === "running";
  }

  get base(): string {
    return this.#ground.files.base(this.stored.handle);
  }

  get screen(): Screen | undefined {
    const { tmux_session: session, tmux_socket: socket } = this.stored;
    return session === undefined || socket === undefined ? undefined : { session, socket };
  }

  /** Durable once this resolves, and not so before; changes are made in their order. */
  save(change: Partial<StoredProcess>): Promise<void> {
    this.#saved = this.#saved
      .catch(() => undefined)
      .then(async () => {
        const stored = { ...this.stored, ...change };
        await this.#ground.files.write(stored);
        this.stored = stored;
      });
    return this.#saved;
  }

  /** Starts the program. Throws where it can not; then nothing is left of it. */
  async begin(program: ProgramStart, stdin: string | undefined): Promise<void> {
    const { files, logBytes } = this.#ground;
    const kept = { base: this.base, logBytes, path: ownPath(this.#ground) };
    try {
      if (this.stored.backend === "tmux") {
        const screen = await placeScreen(this.base, this.stored.handle);
        await this.save({ tmux_session: screen.session, tmux_socket: screen.socket });
        await this.#note(await startScreen(program, screen, kept));
      } else {
        await this.save({});
        if (stdin !== undefined) await writeFile(`${this.base}.in`, stdin, { mode: 0o600 });
        await this.#note(await startKeeper(program, kept, () => void this.look()));
      }
    } catch (error) {
      // It runs already where only its pid could not be noted.
      await this.#stopAll();
      this.stored = { ...this.stored, status: { state: "lost" } };
      await this.#removeScreenFolder();
      await files.remove(this.stored.handle);
      this.#end();
      throw error;
    }
    this.#begun = true;
    void this.look();
  }

  async #note(pid: number): Promise<void> {
    // Known here also where it can not be written.
    this.stored = { ...this.stored, pid, pid_started: await this.#ground.table.startOf(pid) };
    await this.save({});
  }

  /** Takes up a process that an earlier server started: found again, or lost. */
  async adopt(): Promise<void> {
    if (!this.isRunning) return this.#report();
    if (this.stored.pid === undefined) {
      // That server died before it could note the pid.
      const all = await this.#ground.table.list();
      const leader = all.find((one) => one.handle === this.stored.handle && one.pid === one.session);
      const started = leader && (await this.#ground.table.startOf(leader.pid));
      if (leader && started !== undefined) await this.save({ pid: leader.pid, pid_started: started });
    }
    this.#begun = true;
    await this.look();
  }

  /** What has become of it? Asked when its keeper ends, and every now and then. */
  look(): Promise<unknown> {
    if (!this.isRunning || !this.#begun || this.#stopping) return Promise.resolve();
    this.#looking ??= this.#lookNow()
      .then(() => (this.#failures = 0))
      .catch((error: unknown) => this.#failed(error, "what became of a background process could not be noted yet"))
      .finally(() => (this.#looking = null));
    return this.#looking;
  }

  async #lookNow(): Promise<void> {
    const keeper = await this.keeper();
    const code = await this.#exitCode();
    const ending = this.stored.ending ?? this.#why ?? (this.#isOverdue && code === undefined ? "timed_out" : undefined);
    // Not waited for: it waits for this look.
    if (ending) return void this.stop(ending).catch(() => undefined);
    if (code === undefined && keeper !== undefined) return watchSilence(this, this.#ground);
    // What it has left running goes too, also where the keeper was killed and the command was not.
    await this.#stopAll();
    if (!this.#stopping) await this.#finish(code === undefined ? { state: "lost" } : statusOf(code));
  }

  /** Counted from its start, also by a later server. */
  get #isOverdue(): boolean {
    const { started_at: startedAt, timeout_seconds: seconds } = this.stored;
    return this.#ground.clock.now() >= Date.parse(startedAt) + seconds * 1000;
  }

  /** Kills all of it. Why is durable before the first signal, if it can be: a later server goes on with it. */
  stop(why: "killed" | "timed_out"): Promise<void> {
    if (!this.isRunning) return Promise.resolve();
    this.#why = why;
    this.#stopping ??= this.#stopNow(why)
      .catch((error: unknown) => {
        this.#failed(error, "what became of a background process could not be noted yet");
        throw error;
      })
      .finally(() => (this.#stopping = null));
    return this.#stopping;
  }

  async #stopNow(why: "killed" | "timed_out"): Promise<void> {
    // A full disk keeps nothing alive.
    await this.save({ ending: why }).catch((error: unknown) =>
      this.#failed(error, "that a process is killed was not noted"),
    );
    await this.#stopAll();
    await this.#looking;
    await this.#finish({ state: why });
  }

  /** The keeper's pid, as long as that process is the one that was started. */
  async keeper(): Promise<number | undefined> {
    const { pid, pid_started: started } = this.stored;
    if (pid === undefined || started === undefined) return undefined;
    return (await this.#ground.table.startOf(pid)) === started ? pid : undefined;
  }

  /** Resolves when what was begun here is done. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#looking, this.#stopping]);
    await Promise.allSettled([this.#reporting, this.#saved]);
  }

  #stopAll(): Promise<void> {
    const process = { handle: this.stored.handle, base: this.base, keeper: () => this.keeper() };
    return stopProcesses(process, this.#ground.table, this.#ground.clock);
  }

  async #finish(status: ProcessStatus): Promise<void> {
    if (!this.isRunning) return;
    const { clock, files } = this.#ground;
    await this.save({ status, ended_at: new Date(clock.now()).toISOString(), watch: undefined });
    await files.removeRunning(this.stored.handle);
    await this.#removeScreenFolder();
    this.#end();
    this.#report();
  }

  #report(): void {
    // It goes on until the session knows, or the server closes.
    this.#reporting = this.recording.catch(() => undefined).then(() => reportEnd(this, this.#ground));
  }

  async #exitCode(): Promise<number | undefined> {
    try {
      const code = Number.parseInt(await readFile(`${this.base}.exit`, "utf8"), 10);
      return Number.isNaN(code) ? undefined : code;
    } catch {
      // Not ended yet.
      return undefined;
    }
  }

  async #removeScreenFolder(): Promise<void> {
    const { tmux_socket: socket } = this.stored;
    if (socket !== undefined && !socket.startsWith(this.base))
      await rm(dirname(socket), { recursive: true, force: true });
  }

  #failed(error: unknown, message: string): void {
    this.#failures += 1;
    // It is looked at again and again.
    const level = this.#failures === 1 ? "error" : "debug";
    this.#ground.log[level]({ session_id: this.stored.session_id, handle: this.stored.handle, err: error }, message);
  }
}

const statusOf = (code: number): ProcessStatus =>
  code === 0 ? { state: "completed", exit_code: 0 } : { state: "failed", exit_code: code };
