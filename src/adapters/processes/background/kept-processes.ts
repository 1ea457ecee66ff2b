import type { BackgroundProcesses, ProcessRecord, StartProcess } from "../../../ports/background-processes.ts";
import type { ToolContext } from "../../../ports/tool.ts";
import type { SessionId } from "../../../schema/ids.ts";
import { DuragentError } from "../../../schema/problem.ts";
import { orAborted } from "../../or-aborted.ts";
import { ownPath, type Ground } from "./ground.ts";
import { newRecord, programOf } from "./new-process.ts";
import { readOutput, readTail } from "./output.ts";
import { ProcessLife } from "./process-life.ts";
import { captureScreen, sendKeys, typeText } from "./screen.ts";
import { writeStandardInput } from "./standard-input.ts";
import type { StoredProcess } from "./stored-process.ts";

const runningMaxPerSession = 32;
const runningMax = 256;
/** Records and logs of ended processes: so long that a call which waited for one finds it after a long pause. */
const keptMs = 24 * 60 * 60_000;
const keptMax = 256;

/** All background processes of one server. */
export class KeptProcesses implements BackgroundProcesses {
  readonly #ground: Ground;
  readonly #lives = new Map<string, ProcessLife>();
  readonly #pollMs: number;
  readonly #close: () => void;
  #cancelPoll: () => void = () => undefined;

  constructor(ground: Ground, options: { pollMs: number; close: () => void }) {
    this.#ground = ground;
    this.#pollMs = options.pollMs;
    this.#close = options.close;
    this.#pollLater();
  }

  /** Takes up what an earlier server left behind. */
  async adopt(stored: readonly StoredProcess[]): Promise<void> {
    for (const one of stored) this.#lives.set(one.handle, new ProcessLife(this.#ground, one));
    await Promise.all([...this.#lives.values()].map((life) => life.adopt()));
    await this.#forgetOld();
  }

  async start(process: StartProcess, context: ToolContext): Promise<ProcessRecord> {
    const known = this.#lifeByKey(context.sessionId, context.idempotencyKey);
    if (known) {
      await known.recording.catch((error: unknown) => {
        // It runs, and only its start is not in the session's log yet; else it was never started.
        if (!this.#lives.has(known.stored.handle)) throw error;
      });
      if (known.isRunning && !known.stored.started_recorded) await (known.recording = this.#record(known, context));
      return known.stored;
    }
    this.#assertRoom(context.sessionId);
    const life = new ProcessLife(this.#ground, newRecord(process, context, this.#ground));
    this.#lives.set(life.stored.handle, life);
    life.recording = this.#begin(life, process, context);
    await life.recording;
    return life.stored;
  }

  findByKey(sessionId: SessionId, idempotencyKey: string): ProcessRecord | undefined {
    return this.#lifeByKey(sessionId, idempotencyKey)?.stored;
  }

  get(sessionId: SessionId, handle: string): ProcessRecord | undefined {
    const stored = this.#lives.get(handle)?.stored;
    return stored?.session_id === sessionId ? stored : undefined;
  }

  list(sessionId: SessionId): ProcessRecord[] {
    return [...this.#lives.values()].flatMap(({ stored }) => (stored.session_id === sessionId ? [stored] : []));
  }

  async ended(handle: string, signal: AbortSignal): Promise<ProcessRecord> {
    const life = this.#life(handle);
    try {
      await orAborted(life.over, signal);
    } catch (error) {
      if (life.isRunning) throw error;
    }
    return life.stored;
  }

  output(handle: string, range: { offset: number; limitBytes: number }) {
    return readOutput(this.#life(handle).stored.log_path, range);
  }

  tail(handle: string, limitBytes: number) {
    return readTail(this.#life(handle).stored.log_path, limitBytes, this.#ground.redactText);
  }

  async write(handle: string, text: string): Promise<void> {
    const life = this.#runningLife(handle);
    const { screen } = life;
    if (screen) await typeText(screen, text, ownPath(this.#ground));
    else await writeStandardInput(`${life.base}.in`, text, this.#ground.clock);
  }

  async sendKeys(handle: string, keys: readonly string[]): Promise<void> {
    const { clock } = this.#ground;
    await sendKeys(screenOf(this.#runningLife(handle)), keys, { path: ownPath(this.#ground), clock });
  }

  async capture(handle: string): Promise<string> {
    return captureScreen(screenOf(this.#runningLife(handle)), ownPath(this.#ground));
  }

  async watch(handle: string, intervalSeconds: number): Promise<void> {
    const life = this.#runningLife(handle);
    const { totalBytes } = await this.output(handle, { offset: 0, limitBytes: 0 });
    const before = life.stored.watch?.told_bytes ?? 0;
    life.grown = { bytes: totalBytes, at: this.#ground.clock.monotonic() };
    await life.save({ watch: { interval_seconds: intervalSeconds, told_bytes: before, told_times: 0 } });
  }

  async unwatch(handle: string): Promise<void> {
    await this.#life(handle).save({ watch: undefined });
  }

  async kill(handle: string): Promise<void> {
    await this.#life(handle).stop("killed");
  }

  async killOfSession(sessionId: SessionId): Promise<void> {
    const lives = [...this.#lives.values()].filter(({ stored }) => stored.session_id === sessionId);
    await Promise.all(lives.map((life) => life.stop("killed")));
  }

  runningCount(): number {
    return this.#running().length;
  }

  async close(): Promise<void> {
    this.#cancelPoll();
    this.#close();
    await Promise.all([...this.#lives.values()].map((life) => life.settled()));
  }

  async #begin(life: ProcessLife, process: StartProcess, context: ToolContext): Promise<void> {
    try {
      const { sandbox, env } = this.#ground;
      const program = sandbox.confine(programOf(process, context, { handle: life.stored.handle, env }));
      await life.begin(program, process.stdin);
    } catch (error) {
      this.#lives.delete(life.stored.handle);
      if (error instanceof DuragentError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new DuragentError("conflict", `the process could not be started: ${reason}`, { cause: error });
    }
    await this.#record(life, context);
  }

  async #record(life: ProcessLife, context: ToolContext): Promise<void> {
    const { handle, pid, started_at: startedAt } = life.stored;
    await context.session.processStarted({ handle, ...(pid === undefined ? {} : { pid }), startedAt });
    await life.save({ started_recorded: true });
  }

  #assertRoom(sessionId: SessionId): void {
    const running = this.#running();
    const own = running.filter(({ stored }) => stored.session_id === sessionId).length;
    if (own >= runningMaxPerSession)
      throw new DuragentError(
        "rate-limited",
        `${own} background processes of this session run, as many as may: wait for one, or kill one`,
      );
    if (running.length >= runningMax)
      throw new DuragentError(
        "rate-limited",
        `${running.length} background processes run on this server, as many as may: try again later`,
      );
  }

  #running(): ProcessLife[] {
    return [...this.#lives.values()].filter((life) => life.isRunning);
  }

  #life(handle: string): ProcessLife {
    const life = this.#lives.get(handle);
    if (!life) throw new DuragentError("not-found", `there is no process ${handle}`);
    return life;
  }

  #runningLife(handle: string): ProcessLife {
    const life = this.#life(handle);
    if (!life.isRunning) throw new DuragentError("conflict", "the process is not running");
    return life;
  }

  #lifeByKey(sessionId: SessionId, key: string): ProcessLife | undefined {
    return [...this.#lives.values()].find(
      ({ stored }) => stored.session_id === sessionId && stored.idempotency_key === key,
    );
  }

  #pollLater(): void {
    this.#cancelPoll = this.#ground.clock.after(this.#pollMs, () => {
      Promise.all([...this.#running().map((life) => life.look()), this.#forgetOld()])
        .catch((error: unknown) => this.#ground.log.error({ err: error }, "old background processes were not removed"))
        .finally(() => {
          if (!this.#ground.closing.aborted) this.#pollLater();
        });
    });
  }

  /** Ended ones go after 24 h, and earlier where there are more than 256; never before their session was told. */
  async #forgetOld(): Promise<void> {
    const before = new Date(this.#ground.clock.now() - keptMs).toISOString();
    const ended = [...this.#lives.values()]
      .map(({ stored }) => stored)
      .filter((stored) => stored.status.state !== "running" && stored.reported)
      .toSorted((a, b) => (b.ended_at ?? "").localeCompare(a.ended_at ?? ""));
    for (const [index, stored] of ended.entries()) {
      if (index < keptMax && (stored.ended_at ?? "") > before) continue;
      await this.#ground.files.remove(stored.handle);
      this.#lives.delete(stored.handle);
    }
  }
}

function screenOf(life: ProcessLife) {
  const { screen } = life;
  if (!screen)
    throw new DuragentError("conflict", "the process has no screen: only one that was spawned as interactive has");
  return screen;
}
