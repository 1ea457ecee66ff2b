import { Console } from "node:console";

import { readCommand } from "./commands.ts";
import { Deliveries } from "./deliveries.ts";
import { errorText } from "./error-text.ts";
import { LineReader } from "./framing.ts";
import { CommandFailure, type Core, type Gateway, type StartGateway } from "./gateway.ts";
import { secretsHidden } from "./hide-secrets.ts";
import { LineOutput } from "./line-output.ts";
import { lineBytesMax, protocolVersion, type Command, type ErrorCode, type GatewayEvent } from "./messages.ts";
import { Requests } from "./requests.ts";
import { SentRequests } from "./sent-requests.ts";

/** How long the first line may take; an older core sends none. */
const initializeWaitMs = 2_000;
/** What is on its way to the platform may take so long at the end, and then the gateway itself until `stopWaitMs`. */
const finishWaitMs = 1_500;
const stopWaitMs = 3_000;

type About = { readonly name: string; readonly version: string };

/**
 * Is the whole program of a gateway: reads commands on stdin, writes events to stdout and the log to stderr, and exits the
 * process in the end: with 0 after `shutdown`, the end of stdin, SIGTERM or SIGINT, with 1 after a fatal error.
 */
export async function runGateway(start: StartGateway, about: About): Promise<void> {
  if (process.stdin.isTTY) {
    process.stderr.write(
      `error: ${about.name} is a chat gateway: Duragent starts it and talks to it in JSON lines on stdin and stdout.\n` +
        "hint: name it in duragent.yaml, under gateways, and run `duragent serve`.\n",
    );
    process.exitCode = 1;
    return;
  }
  // A library that prints must not print between the lines.
  globalThis.console = new Console(process.stderr);
  await new RunningGateway(start, about).run();
}

class RunningGateway {
  readonly #start: StartGateway;
  readonly #about: About;
  readonly #output = new LineOutput(process.stdout, (isFull) => {
    // Whoever does not read answers is not listened to.
    if (isFull) process.stdin.pause();
    else process.stdin.resume();
  });
  readonly #deliveries = new Deliveries({
    write: async (event, isWanted) => {
      await this.#ready.promise;
      await this.#output.writeWithRoom(event, isWanted);
    },
    log: (message) => this.#log(message),
    // Older cores have neither: to hand the same over again would have it answered again.
    isAcknowledged: () => this.#isInitialized,
  });
  readonly #stopping = new AbortController();
  readonly #initialized = Promise.withResolvers<Command<"initialize"> | undefined>();
  #hide = secretsHidden({}, process.env);
  #gateway: Gateway | undefined;
  #requests: Requests | undefined;
  #hasStarted = false;
  #isInitialized = false;
  readonly #ready = Promise.withResolvers<void>();
  #isEnding = false;
  readonly #typing = new Set<string>();

  constructor(start: StartGateway, about: About) {
    this.#start = start;
    this.#about = about;
  }

  async run(): Promise<void> {
    process.stdout.on("error", () => void this.#end("the core does not listen any more", 0));
    process.stderr.on("error", () => {
      // Nobody reads the log: that is no reason to end.
    });
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void this.#end(signal, 0));
    process.on("uncaughtException", (error) => this.#fail("platform_error", errorText(error)));
    process.on("unhandledRejection", (reason) => {
      if (!this.#isEnding) this.#fail("platform_error", errorText(reason));
    });
    this.#read();

    const initialize = await this.#initialize();
    if (this.#isEnding) return;
    const config = initialize?.config ?? {};
    this.#hide = secretsHidden(config, process.env);
    let hasLogged = false;
    const sent = await SentRequests.open(initialize?.data_dir, (error) => {
      if (!hasLogged) this.#log(`what was sent can not be kept on disk: ${errorText(error)}`);
      hasLogged = true;
    });
    this.#requests = new Requests(() => this.#gateway, sent);
    const name = initialize?.name ?? this.#about.name;
    try {
      const gateway = await this.#start({
        name,
        config,
        env: process.env,
        dataDir: initialize?.data_dir,
        core: this.#core(),
      });
      this.#gateway = gateway;
      this.#write({
        type: "ready",
        gateway: this.#about.name,
        version: this.#about.version,
        capabilities: [...gateway.capabilities],
      });
      this.#ready.resolve();
    } catch (error) {
      if (!this.#isEnding)
        this.#fail(error instanceof CommandFailure ? error.code : "platform_error", errorText(error));
    }
  }

  /** What the first line brings; commands that come before are taken meanwhile. */
  async #initialize(): Promise<Command<"initialize"> | undefined> {
    const timer = setTimeout(() => this.#initialized.resolve(undefined), initializeWaitMs);
    const initialize = await this.#initialized.promise;
    clearTimeout(timer);
    this.#hasStarted = true;
    this.#isInitialized = initialize !== undefined;
    if (!initialize)
      this.#log(`no initialize came in ${initializeWaitMs / 1_000} s: the environment alone configures it`);
    else if (initialize.protocol !== protocolVersion)
      this.#log(
        `the core speaks ${initialize.protocol}, this gateway ${protocolVersion}: what it does not know it ignores`,
      );
    return initialize;
  }

  #read(): void {
    const lines = new LineReader((line) => this.#takeLine(line), {
      onSkipped: () => this.#log(`a line of more than ${lineBytesMax} bytes was skipped`),
    });
    process.stdin.on("data", (chunk: Buffer) => lines.add(chunk));
    process.stdin.on("error", () => void this.#end("stdin failed", 0));
    process.stdin.on("end", () => {
      lines.end();
      void this.#end("stdin was closed", 0);
    });
  }

  #takeLine(line: string): void {
    if (line.trim() === "") return;
    const read = readCommand(line);
    if (read.kind === "command") return this.#take(read.command);
    if (read.kind === "unknown") return;
    this.#log(`a line was skipped: ${read.problem}`);
    if (read.requestId !== undefined)
      this.#write({
        type: "command_error",
        request_id: read.requestId,
        code: "invalid_request",
        message: this.#hide(read.problem),
      });
  }

  #take(command: Command): void {
    switch (command.type) {
      case "initialize":
        if (this.#hasStarted) this.#log("an initialize came late, or twice, and was ignored");
        return this.#initialized.resolve(command);
      case "ack":
        return this.#deliveries.take(command);
      case "ping":
        return this.#pong(command);
      case "send_typing":
        return void this.#type(command);
      case "shutdown":
        return void this.#end("shutdown was asked for", 0);
      default:
        return void this.#answer(command);
    }
  }

  async #answer(request: Parameters<Requests["answer"]>[0]): Promise<void> {
    if (!this.#requests || this.#isEnding) {
      const message = this.#isEnding ? "the gateway is ending" : "the gateway is still starting";
      return this.#write({ type: "command_error", request_id: request.request_id, code: "not_connected", message });
    }
    const answer = await this.#requests.answer(request);
    this.#write(answer.type === "command_error" ? { ...answer, message: this.#hide(answer.message) } : answer);
  }

  async #type(command: Command<"send_typing">): Promise<void> {
    // One at a time for a chat: the next comes in seconds anyhow.
    if (!this.#gateway?.sendTyping || this.#typing.has(command.chat_id)) return;
    this.#typing.add(command.chat_id);
    try {
      await this.#gateway.sendTyping(command);
    } catch (error) {
      this.#log(`typing was not shown: ${errorText(error)}`);
    } finally {
      this.#typing.delete(command.chat_id);
    }
  }

  #pong({ request_id }: Command<"ping">): void {
    const lastInboundAt = this.#gateway?.lastInboundAt?.();
    this.#write({
      type: "pong",
      request_id,
      uptime_seconds: process.uptime(),
      connected: this.#gateway?.isConnected() ?? false,
      ...(lastInboundAt !== undefined && { last_inbound_at: lastInboundAt }),
    });
  }

  #core(): Core {
    return {
      deliver: (event, signal) => this.#deliver(event, signal),
      error: (code, message, fatal = false) => {
        if (fatal) this.#fail(code, message);
        else this.#output.offer({ type: "error", code, message: this.#hide(message), fatal });
      },
      log: (message) => this.#log(message),
      stopping: this.#stopping.signal,
    };
  }

  #deliver(event: Parameters<Core["deliver"]>[0], signal: AbortSignal | undefined): Promise<void> {
    return this.#deliveries.handOver(event, AbortSignal.any([this.#stopping.signal, ...(signal ? [signal] : [])]));
  }

  #write(event: GatewayEvent): void {
    this.#output.write(event);
  }

  #log(message: string): void {
    process.stderr.write(`${this.#hide(message)}\n`);
  }

  #fail(code: ErrorCode, message: string): void {
    if (this.#isEnding) return;
    this.#log(`error: ${message}`);
    this.#output.offer({ type: "error", code, message: this.#hide(message), fatal: true });
    void this.#end(`it failed: ${message}`, 1);
  }

  async #end(reason: string, exitCode: number): Promise<void> {
    if (this.#isEnding) return;
    this.#isEnding = true;
    // A last bound on all of it, should the pipe be full or the platform's library hold on.
    setTimeout(() => process.exit(exitCode), stopWaitMs + 500);
    this.#stopping.abort(new Error("the gateway is ending"));
    this.#initialized.resolve(undefined);
    const stopped = (async () => {
      await within(finishWaitMs, this.#requests?.settled());
      await this.#gateway?.stop();
    })();
    await within(
      stopWaitMs,
      stopped.catch((error: unknown) => this.#log(`it did not end cleanly: ${errorText(error)}`)),
    );
    this.#output.offer({ type: "shutdown", reason: this.#hide(reason) });
    await this.#output.flushed();
    process.exit(exitCode);
  }
}

async function within(waitMs: number, work: Promise<unknown> | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, waitMs);
  await Promise.race([work, promise]);
  clearTimeout(timer);
}
