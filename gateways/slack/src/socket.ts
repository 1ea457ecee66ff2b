import { setTimeout as pause } from "node:timers/promises";

import { backoffMs, CommandFailure, type Core } from "@duragent/gateway-protocol";
import { SocketModeClient } from "@slack/socket-mode";
import { z } from "zod";

import { failureOf } from "./failures.ts";
import { loggerOf, webOptions } from "./web.ts";

/** From the request for an address until Slack says hello. */
const connectWaitMs = 20_000;
/** A connection that ends sooner counts as one that failed. Slack renews them every few hours. */
const steadyMs = 30_000;
/** How long a goodbye may take. */
const goodbyeMs = 200;

const envelopeSchema = z.object({
  type: z.string(),
  body: z.unknown(),
  ack: z.custom<() => Promise<void>>((value) => typeof value === "function"),
});

const disconnectSchema = z.object({ type: z.literal("disconnect") });

type SocketOptions = {
  readonly appToken: string;
  readonly apiRoot: string;
  readonly core: Core;
  /** Whether Slack may be told that it came. */
  readonly take: (body: unknown) => Promise<boolean>;
};

/**
 * Events over a websocket, for as long as the gateway runs. Connects anew by itself: the library's own way waits 5 s after
 * every end, ever longer, and takes a network that is away for the end of everything.
 */
export class SocketInbound {
  readonly #options: SocketOptions;
  readonly #opened = Promise.withResolvers<void>();
  #client: SocketModeClient | undefined;
  #isConnected = false;

  private constructor(options: SocketOptions) {
    this.#options = options;
  }

  /** Resolves with the first connection, however long that takes. Throws CommandFailure `unauthorized`. */
  static async open(options: SocketOptions): Promise<SocketInbound> {
    const socket = new SocketInbound(options);
    void socket.#stayConnected();
    await socket.#opened.promise;
    return socket;
  }

  isConnected(): boolean {
    return this.#isConnected;
  }

  /** Says goodbye. Slack leaves the TCP connection open after it, and the library would wait for its end. */
  async close(): Promise<void> {
    await Promise.race([this.#client?.disconnect(), pause(goodbyeMs, undefined, { ref: false })]);
  }

  async #stayConnected(): Promise<void> {
    const { core } = this.#options;
    let isAway = false;
    for (let failures = 0; !core.stopping.aborted;) {
      const since = Date.now();
      const failure = await this.#runOnce();
      if (core.stopping.aborted) return;
      if (failure?.code === "unauthorized") return this.#refused(failure);
      const wasSteady = failure === undefined && Date.now() - since >= steadyMs;
      failures = wasSteady ? 0 : failures + 1;
      const waitMs =
        failure === undefined && failures <= 1 ? 0 : (failure?.retryAfterSeconds ?? 0) * 1_000 || backoffMs(failures);
      // The operator is told once an outage, the log each time.
      if (failure && !isAway) core.error("not_connected", `Slack is not reached: ${failure.message}`);
      isAway = failure !== undefined;
      if (failure) core.log(`the connection to Slack failed, again in ${Math.round(waitMs)} ms: ${failure.message}`);
      await pause(waitMs, undefined, { signal: core.stopping }).catch(() => {
        // It ends: the loop sees that.
      });
    }
  }

  /** One connection, from its beginning to its end; why there was none. */
  async #runOnce(): Promise<CommandFailure | undefined> {
    const client = this.#newClient();
    this.#client = client;
    const ended = endOf(client);
    try {
      await connected(client);
      this.#isConnected = true;
      this.#opened.resolve();
      await ended;
      return undefined;
    } catch (error) {
      return failureOf(error);
    } finally {
      this.#isConnected = false;
      client.removeAllListeners("slack_event");
    }
  }

  #newClient(): SocketModeClient {
    const { appToken, apiRoot, core } = this.#options;
    const { logger, ...clientOptions } = webOptions(apiRoot, core);
    const client = new SocketModeClient({
      appToken,
      autoReconnectEnabled: false,
      logger: logger ?? loggerOf(core),
      clientOptions,
    });
    client.on("slack_event", (envelope: unknown) => void this.#take(envelope));
    return client;
  }

  async #take(envelope: unknown): Promise<void> {
    const { core, take } = this.#options;
    try {
      const { body, ack } = envelopeSchema.parse(envelope);
      if (await take(body)) await ack();
    } catch (error) {
      // It is delivered again over the next connection.
      if (!core.stopping.aborted) core.log(`an event was not acknowledged: ${failureOf(error).message}`);
    }
  }

  #refused(failure: CommandFailure): void {
    const message = `Slack refuses the app token (xapp-…, config.app_token or SLACK_APP_TOKEN): ${failure.message}`;
    this.#opened.reject(new CommandFailure("unauthorized", message));
    this.#options.core.error("unauthorized", message, true);
  }
}

/**
 * The next connection begins where Slack says that this one is about to end: it does not close what it has said so of, and
 * the library waits for that, for seconds in which a press of a button would reach nobody.
 * https://docs.slack.dev/apis/events-api/using-socket-mode#disconnect
 */
function endOf(client: SocketModeClient): Promise<void> {
  return new Promise((resolve) => {
    client.once("disconnected", () => resolve());
    client.on("ws_message", (message: unknown) => {
      if (typeof message === "string" && isDisconnect(message)) resolve();
    });
  });
}

function isDisconnect(message: string): boolean {
  try {
    return disconnectSchema.safeParse(JSON.parse(message)).success;
  } catch {
    // The library takes no notice of it either.
    return false;
  }
}

async function connected(client: SocketModeClient): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new CommandFailure("not_connected", `Slack said no hello within ${connectWaitMs} ms`));
    client.disconnect().catch(() => {
      // It is given up anyhow.
    });
  }, connectWaitMs);
  const started = client.start().catch((error: unknown) => {
    // The library rejects with nothing where a connection ends before Slack says hello.
    if (error instanceof Error) throw error;
    throw new CommandFailure("not_connected", "the connection ended before Slack said hello");
  });
  try {
    await Promise.race([started, promise]);
  } finally {
    clearTimeout(timer);
  }
}
