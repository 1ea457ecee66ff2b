import { lineBytesMax, protocolVersion, type Command, type GatewayEvent } from "@duragent/gateway-protocol";

import { terminalLine } from "../../domain/terminal-text.ts";
import type { Clock } from "../../ports/clock.ts";
import type { GatewayAnswer, GatewayHint, GatewayRequest, InboundEvent } from "../../ports/gateway-host.ts";
import type { Log, Metrics } from "../../ports/telemetry.ts";
import { Commands } from "./commands.ts";
import { GatewayProcess, type GatewayStart, type ProcessExit } from "./gateway-process.ts";
import { logStderr } from "./log-stderr.ts";
import { PacedLines } from "./paced-lines.ts";
import { Pings } from "./pings.ts";
import { readEvent } from "./read-event.ts";
import type { RunEnd } from "./restart-rule.ts";
import { endOf } from "./run-end.ts";
import { seldom } from "./seldom.ts";
import { SelfDescription, type Remembered } from "./self-description.ts";

/** For a program that says it ends, or can not be heard any more, to end by itself. */
const ownEndMs = 10_000;
const unreadyMs = 30_000;
const unreadyFault = `it has not said ready for ${unreadyMs / 1_000} s: a gateway prints {"type":"ready","gateway":…,"version":…,"capabilities":[…]} to its stdout, and flushes it, once messages can be sent`;
const shownLengthMax = 500;

export type RunParts = {
  name: string;
  start: GatewayStart;
  /** `config` of its entry. */
  config: Command<"initialize">["config"];
  /** Where it keeps what it must remember. */
  stateFolder: string;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  redact(text: string): string;
  watch(group: number, mark: string): () => void;
  inbound: { readonly isFull: boolean; add(event: InboundEvent, bytes: number): boolean };
  /** Of earlier runs. */
  remembered: Remembered;
  /** Ready, not ready any more, or `connected` is another. */
  onChange(): void;
};

/** One run of a gateway's program: what it says, what it is told, and how it ends. */
export class RunningGateway {
  /** Resolves when no process of it is left. Never rejects. */
  readonly ended: Promise<RunEnd>;
  readonly about: SelfDescription;

  readonly #parts: RunParts;
  readonly #process: GatewayProcess;
  readonly #lines: PacedLines | undefined;
  readonly #commands: Commands;
  readonly #pings: Pings;
  readonly #sayRarely: ReturnType<typeof seldom>;
  readonly #noteRarely: ReturnType<typeof seldom>;
  #lastLine = "";
  #readySinceMs: number | undefined;
  /** It is told nothing new any more. */
  #isEnding = false;
  /** Why it is not as it should be, in words; its own reason for its end. */
  #fault: string | undefined;
  #reason: string | undefined;
  #isPardoned = false;
  #cutOffMs = 0;
  #hasSpoken = false;
  #unready: string | undefined;
  readonly #disarmUnready: () => void;
  #disarmOwnEnd: (() => void) | undefined;

  constructor(parts: RunParts) {
    this.#parts = parts;
    const { clock, log } = parts;
    this.about = new SelfDescription(parts.remembered, { clock, log, shown: (text) => this.#shown(text) });
    this.#sayRarely = seldom(clock, (fields, message) => log.warn(fields, message));
    this.#noteRarely = seldom(clock, (fields, message) => log.info(fields, message));
    this.#process = new GatewayProcess(parts.start, {
      clock,
      watch: parts.watch,
      onExit: () => this.#lines?.finish(),
    });
    this.#commands = new Commands(this.#process, clock, () => this.proceed());
    this.#lines = this.#listen();
    this.#pings = this.#watchHealth();
    this.#disarmUnready = clock.after(unreadyMs, () => this.#noteUnready());
    this.#commands.tell({
      type: "initialize",
      protocol: protocolVersion,
      name: parts.name,
      config: parts.config,
      data_dir: parts.stateFolder,
    });
    this.ended = this.#process.ended.then((exit) => this.#conclude(exit));
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get isEnding(): boolean {
    return this.#isEnding;
  }

  get isReady(): boolean {
    return this.#readySinceMs !== undefined && !this.#isEnding;
  }

  /** What is wrong with it while it runs. */
  get trouble(): string | undefined {
    return this.about.error ?? this.#unready;
  }

  get queue(): { outbound: number; unanswered: number } {
    return { outbound: this.#commands.unread, unanswered: this.#commands.unanswered };
  }

  ask(request: GatewayRequest): Promise<GatewayAnswer> {
    return this.#commands.ask(request);
  }

  tell(hint: GatewayHint): boolean {
    return this.#commands.tell(hint);
  }

  ping(): Promise<{ pong: GatewayEvent<"pong">; tookMs: number } | null> {
    return this.#pings.ask();
  }

  /** There is room for events again. */
  proceed(): void {
    this.#lines?.proceed();
  }

  /** Asks it to end, and sees to it that it does; `ended` says when. `fault`: why that is not what anybody wanted. */
  end(fault?: string): void {
    const wasReady = this.isReady;
    this.#isEnding = true;
    this.#fault ??= fault;
    this.#process.end('{"type":"shutdown"}\n');
    if (wasReady) this.#parts.onChange();
  }

  #listen(): PacedLines | undefined {
    const { stdout, stderr } = this.#process;
    const { clock, log, inbound, redact } = this.#parts;
    if (stderr) logStderr(stderr, { clock, log, redact, onLine: (line) => (this.#lastLine = line) });
    // Deaf and mute, but alive: nothing can come of it any more.
    stdout?.once("end", () => this.#endsByItself("it closed its stdout"));
    return (
      (stdout &&
        new PacedLines(stdout, {
          clock,
          lineBytesMax,
          hasRoom: () => !inbound.isFull && !this.#commands.isFull,
          take: (line) => this.#take(line),
        })) ??
      undefined
    );
  }

  #watchHealth(): Pings {
    return new Pings({
      clock: this.#parts.clock,
      send: (requestId) => this.#commands.tell({ type: "ping", request_id: requestId }),
      wasHeldBack: () => this.#lines?.wasHeldBack() ?? false,
      // A program of the older protocol answers none, and lives as long as it says something.
      answersPings: () => this.about.knowsPings || !this.#hasSpoken,
      heard: (pong) => {
        if (this.about.heard(pong)) this.#parts.onChange();
      },
      onSilent: (why) => this.#giveUp(why, !this.about.knowsPings),
      onUnreachable: (forMs) => {
        this.#cutOffMs = forMs;
        const { error } = this.about;
        const why = `it has not reached its platform for ${Math.round(forMs / 1_000)} s`;
        this.#giveUp(error === undefined ? why : `${why}: ${error}`, true);
      },
    });
  }

  #take(line: string | null): void {
    const read = readEvent(line);
    const { name, metrics } = this.#parts;
    if (read.kind === "skipped") return this.#skip(read.why, read.detail);
    const { event } = read;
    this.#hasSpoken = true;
    metrics.add("duragent_gateway_events_total", { gateway: name, type: event.type });
    switch (event.type) {
      case "message_received":
      case "callback_query":
        if (this.#readySinceMs === undefined) this.#presumeReady();
        this.about.received();
        if (!this.#parts.inbound.add(event, line?.length ?? 0))
          this.#skip("overflow", "events of a program that has ended");
        return;
      case "command_ok":
      case "command_error":
        if (!this.#commands.answered(event)) this.#skip("unasked", event.type);
        return;
      case "pong":
        if (!this.#pings.answered(event)) this.#skip("unasked", event.type);
        return;
      case "ready":
        return this.#ready(event);
      case "error":
        return this.#error(event);
      case "shutdown":
        this.#reason = this.#shown(event.reason);
        return this.#endsByItself("it said that it ends");
      case "auth_required":
      case "auth_success":
        return this.about.authenticate(event);
    }
  }

  #ready(event: GatewayEvent<"ready">): void {
    const isFirst = this.about.program === undefined;
    this.about.ready(event);
    if (isFirst) this.#becomeReady("gateway is ready");
  }

  #presumeReady(): void {
    this.about.presumedReady();
    this.#becomeReady("gateway brings messages without having said ready: it is taken to be, and to send text only");
  }

  #becomeReady(what: string): void {
    if (this.#isEnding) return;
    this.#readySinceMs ??= this.#parts.clock.monotonic();
    this.#disarmUnready();
    this.#unready = undefined;
    const { program, capabilities } = this.about;
    this.#parts.log.info({ pid: this.pid, program, capabilities }, what);
    this.#pings.now();
    this.#parts.onChange();
  }

  /** One that waits for its platform, or for somebody to let it in, is known to do so. */
  #noteUnready(): void {
    if (this.#isEnding || this.about.connected === false || this.about.auth) return;
    this.#unready = unreadyFault;
    this.#parts.log.warn({ error: unreadyFault }, "gateway is not ready");
  }

  #error({ code, message, fatal }: GatewayEvent<"error">): void {
    const what = `${this.#shown(code)}: ${this.#shown(message)}`;
    this.#sayRarely(fatal ? "gateway reports a fatal error" : "gateway reports an error", { error: what });
    this.about.error = what;
    // Whether it still reaches its platform should show.
    if (!fatal) return this.#pings.now();
    this.#fault ??= what;
    this.#endsByItself(what);
  }

  /** Gives it a moment to end, then ends it: that it had to be ended is its fault then. */
  #endsByItself(why: string): void {
    const wasReady = this.isReady;
    this.#isEnding = true;
    this.#disarmOwnEnd ??= this.#parts.clock.after(ownEndMs, () => this.end(`${why}, and did not end`));
    if (wasReady) this.#parts.onChange();
  }

  #giveUp(why: string, isPardoned: boolean): void {
    this.#isPardoned = isPardoned;
    this.end(why);
  }

  #skip(why: string, detail: string): void {
    const { name, metrics } = this.#parts;
    metrics.add("duragent_gateway_skipped_lines_total", { gateway: name, why });
    if (why === "blank") return;
    // What a newer program may say, and answers that come too late, are no faults.
    const say = why === "unknown_type" || why === "unasked" ? this.#noteRarely : this.#sayRarely;
    say("a line of a gateway was left out", { why, detail: this.#shown(detail) }, why);
  }

  #conclude(exit: ProcessExit): RunEnd {
    const now = this.#parts.clock.monotonic();
    const readyMs = Math.max(0, now - (this.#readySinceMs ?? now) - this.#cutOffMs);
    this.#isEnding = true;
    this.#disarmOwnEnd?.();
    this.#disarmUnready();
    this.#pings.close();
    const said = { fault: this.#fault, reason: this.#reason, lastLine: this.#lastLine };
    const end = { ...endOf(exit, said), isPardoned: this.#isPardoned, readyMs };
    this.#commands.close(end.why);
    return end;
  }

  #shown(text: string): string {
    return terminalLine(this.#parts.redact(text), shownLengthMax);
  }
}
