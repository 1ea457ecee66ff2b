import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { redactor } from "../../domain/redact.ts";
import type { Clock } from "../../ports/clock.ts";
import type {
  GatewayAnswer,
  GatewayHint,
  GatewayRequest,
  GatewayState,
  GatewayStatus,
} from "../../ports/gateway-host.ts";
import type { GatewayHandler } from "../../ports/gateway-host.ts";
import type { Log, Metrics } from "../../ports/telemetry.ts";
import type { ExternalGateway } from "../../schema/config-gateways.ts";
import { findGatewayProgram } from "./find-gateway-program.ts";
import { gatewayEnvironment, gatewaySecrets } from "./gateway-environment.ts";
import type { GatewayStart } from "./gateway-process.ts";
import { InboundEvents } from "./inbound-events.ts";
import { afterEnd, noFailures, type Failures } from "./restart-rule.ts";
import { RunningGateway } from "./running-gateway.ts";
import { nothingYet } from "./self-description.ts";

export type SupervisedParts = {
  configFolder: string;
  dataDir: string;
  env: Readonly<Record<string, string | undefined>>;
  environment: Readonly<Record<string, string>>;
  watch(group: number, mark: string): () => void;
  clock: Clock;
  log: Log;
  metrics: Metrics;
};

/** From a start until it is not to run any more. */
type Life = { readonly ending: AbortController; readonly started: Promise<void>; readonly ended: Promise<void> };

/** A gateway of the configuration: its program's runs, one after the other, as its `restart` says. */
export class SupervisedGateway {
  readonly #gateway: ExternalGateway;
  readonly #parts: SupervisedParts;
  readonly #handler: GatewayHandler;
  readonly #inbound: InboundEvents;
  readonly #redact: (text: string) => string;
  #life: Life | undefined;
  #run: RunningGateway | undefined;
  /** While nothing of it runs. */
  #idle: "starting" | "waiting" | "failed" | "stopped" = "stopped";
  #lastError: string | undefined;
  #restarts = 0;
  #failures: Failures = noFailures;
  #remembered = nothingYet;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(gateway: ExternalGateway, parts: SupervisedParts, handler: GatewayHandler) {
    this.#gateway = gateway;
    this.#parts = { ...parts, log: parts.log.child({ gateway: gateway.name }) };
    this.#handler = handler;
    const { text } = redactor(gatewaySecrets(gateway, { server: parts.env }));
    this.#redact = text;
    this.#inbound = new InboundEvents({
      clock: parts.clock,
      handle: (event) =>
        handler
          .received(gateway.name, event)
          .catch((error: unknown) => this.#parts.log.error({ error }, "an event of a gateway could not be handled")),
      onRoom: () => this.#run?.proceed(),
    });
  }

  get state(): GatewayState {
    if (!this.#run) return this.#idle;
    if (this.#run.isReady) return "ready";
    if (!this.#run.isEnding) return "starting";
    return this.#life?.ending.signal.aborted ? "stopped" : "waiting";
  }

  get isReady(): boolean {
    return this.#run?.isReady === true;
  }

  get status(): GatewayStatus {
    const run = this.#run;
    const { connected = null, program, auth } = run?.about ?? {};
    const { capabilities, lastInboundAt } = run?.about ?? this.#remembered;
    const { name, command } = this.#gateway;
    const lastError = this.#newestError;
    return {
      name,
      command,
      state: this.state,
      ...(run?.pid === undefined ? {} : { pid: run.pid }),
      connected,
      restarts: this.#restarts,
      ...(lastError === undefined ? {} : { lastError }),
      capabilities,
      ...(program && { program }),
      ...(lastInboundAt === undefined ? {} : { lastInboundAt }),
      ...(auth && { auth }),
      queue: { inbound: this.#inbound.count, ...(run?.queue ?? { outbound: 0, unanswered: 0 }) },
    };
  }

  ask(request: GatewayRequest): Promise<GatewayAnswer> {
    if (this.#run?.isReady) return this.#run.ask(request);
    const why = this.#newestError === undefined ? "" : `: ${this.#newestError}`;
    const detail = `the gateway ${this.#gateway.name} is ${this.state}${why}`;
    return Promise.resolve({ kind: "unanswered", why: "not_ready", detail });
  }

  tell(hint: GatewayHint): boolean {
    return (hint.type === "ack" || this.isReady) && this.#run?.tell(hint) === true;
  }

  async ping(): ReturnType<RunningGateway["ping"]> {
    return (await this.#run?.ping()) ?? null;
  }

  /** Nothing, if it lives already. */
  start(): void {
    this.#life ??= this.#begin();
  }

  /** With a clean count; resolves when a new program runs, or it is known why not. */
  restart(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#life) this.#countRestart();
      await this.#end();
      this.#failures = noFailures;
      this.#life = this.#begin();
      await this.#life.started;
    });
  }

  /** Resolves when no process of it is left; it is not started again. */
  stop(): Promise<void> {
    // Not in turn: a start that waits is to end now.
    this.#life?.ending.abort();
    return this.#inTurn(() => this.#end());
  }

  #inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    const done = this.#turn.then(act);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #end(): Promise<void> {
    const life = this.#life;
    if (!life) return;
    life.ending.abort();
    this.#run?.end();
    await life.ended;
    this.#life = undefined;
  }

  #begin(): Life {
    const ending = new AbortController();
    const started = Promise.withResolvers<void>();
    this.#idle = "starting";
    const ended = this.#live(ending.signal, started.resolve)
      .catch((error: unknown) => {
        this.#parts.log.error({ error }, "gateway can not be started");
        this.#rest("failed", `it can not be started: ${error instanceof Error ? error.message : String(error)}`);
      })
      .finally(started.resolve);
    return { ending, started: started.promise, ended };
  }

  async #live(ending: AbortSignal, onStart: () => void): Promise<void> {
    const { clock, log } = this.#parts;
    const { restart } = this.#gateway;
    for (;;) {
      const start = await this.#prepare();
      if (ending.aborted) return this.#rest("stopped");
      if (typeof start === "string") {
        log.error({ error: start }, "gateway can not be started");
        return this.#rest("failed", start);
      }
      const run = this.#open(start);
      this.#run = run;
      onStart();
      const end = await run.ended;
      const { knowsPings, lastInboundAt, capabilities } = run.about;
      this.#remembered = { knowsPings, lastInboundAt, capabilities };
      this.#run = undefined;
      if (ending.aborted) return this.#rest("stopped");
      const next = afterEnd(end, this.#failures, { restart, random: clock.random() });
      if (next.kind !== "again") {
        log[next.kind === "failed" ? "error" : "warn"]({ why: end.why }, `gateway has ended and is not started again`);
        return this.#rest(next.kind, end.why);
      }
      log.warn({ why: end.why, pause_ms: next.pauseMs }, "gateway has ended and is started again after a pause");
      this.#failures = next.failures;
      this.#rest("waiting", end.why);
      await clock.sleep(next.pauseMs, ending).catch(() => undefined);
      if (ending.aborted) return this.#rest("stopped");
      this.#idle = "starting";
      this.#countRestart();
    }
  }

  #countRestart(): void {
    this.#restarts += 1;
    this.#parts.metrics.add("duragent_gateway_restarts_total", { gateway: this.#gateway.name });
  }

  #rest(state: "waiting" | "failed" | "stopped", why?: string): void {
    this.#idle = state;
    if (why !== undefined) this.#lastError = why;
    this.#handler.changed(this.#gateway.name);
  }

  #open(start: GatewayStart): RunningGateway {
    const { clock, log, metrics, watch } = this.#parts;
    return new RunningGateway({
      name: this.#gateway.name,
      start,
      config: this.#gateway.config.reveal(),
      stateFolder: this.#stateFolder,
      clock,
      log,
      metrics,
      redact: this.#redact,
      watch,
      inbound: this.#inbound,
      remembered: this.#remembered,
      onChange: () => this.#handler.changed(this.#gateway.name),
    });
  }

  /** What is wrong with the run, else why the last one ended. */
  get #newestError(): string | undefined {
    return this.#run?.trouble ?? this.#lastError;
  }

  get #stateFolder(): string {
    return join(this.#parts.dataDir, "gateways", this.#gateway.name, "state");
  }

  /** What to start; or why nothing can be. */
  async #prepare(): Promise<GatewayStart | string> {
    const { configFolder, env: server, environment: minimal } = this.#parts;
    const { command, args } = this.#gateway;
    const env = gatewayEnvironment(this.#gateway, { minimal, server });
    const found = await findGatewayProgram({ command, configFolder, path: env["PATH"] });
    if (found.kind === "missing") return found.fault;
    await mkdir(this.#stateFolder, { recursive: true, mode: 0o700 });
    // Files that its arguments name are where its `command` is looked for.
    return { argv: [...found.argv, ...args], cwd: configFolder, env };
  }
}
