import assert from "node:assert/strict";

import type { CallToolResult, Progress, Tool as ListedTool, Transport } from "@modelcontextprotocol/client";

import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/telemetry.ts";
import { orAborted } from "../or-aborted.ts";
import { closeClient, endOf, listedTools, messageOf, openClient, reasonOf, type OpenedClient } from "./open-client.ts";

/** A call without a sign of life; progress is one. */
const callTimeoutMs = 120_000;
/** A call in all. */
const callTotalMs = 1_800_000;
/** So long a turn waits for a server that is being started; the start goes on, and a later turn finds it. */
const startWaitMs = 10_000;
/** A server that nobody uses is stopped. */
const idleMs = 600_000;
const backoffBaseMs = 5_000;
const backoffMaxMs = 300_000;
/** One that lived shorter and answered nothing counts as one that could not be started. */
const shortLifeMs = 10_000;

export type McpServerParts = {
  clock: Clock;
  log: Log;
  version: string;
  /** Opens another connection to the same server. */
  connect(): Promise<Transport>;
  /** How long a call may be without a sign of life, where it is not 120 s. */
  callTimeoutMs?: number;
};

export type McpCall = {
  name: string;
  arguments: Record<string, unknown>;
  signal: AbortSignal;
  onProgress(progress: Progress): void;
  /** Looks at what the server offers at the moment of the call; a reason keeps it from being made. */
  objection(tools: readonly ListedTool[]): string | null;
};

/**
 * What came of a call: an answer; an answer that it can not be made; none in time; a connection that broke when the call may have
 * been under way; or it was never sent.
 */
export type McpAnswer =
  | { kind: "answer"; result: CallToolResult }
  | { kind: "refused" | "lost" | "unsent"; reason: string }
  | { kind: "late"; afterMs: number };

type Living = OpenedClient & { sinceMs: number };

/** One server: started when it is wanted, started again when it died, stopped when nobody wants it. */
export class McpServer {
  readonly #parts: McpServerParts;
  #living: Living | undefined;
  #starting: Promise<Living> | undefined;
  #startedAtMs = 0;
  #stopping: Promise<void> = Promise.resolve();
  #failures = 0;
  #failure: { reason: string; retryAtMs: number } | undefined;
  #uses = 0;
  #disarmIdle: () => void = () => undefined;
  #isClosed = false;
  readonly #closing = new AbortController();

  constructor(parts: McpServerParts) {
    this.#parts = parts;
  }

  get isStarting(): boolean {
    return this.#starting !== undefined;
  }

  /** What it offers now. Throws, after about 10 s at the latest and with a reason, where it can not be had yet. */
  tools(): Promise<readonly ListedTool[]> {
    return this.#used(async () => (await this.#soon(this.#current())).tools);
  }

  /** Throws only when the call's signal is aborted. */
  call(call: McpCall): Promise<McpAnswer> {
    return this.#used(async () => {
      const answer = await this.#callOnce(call);
      if (answer !== "no session") return answer;
      // The server has forgotten this session, so nothing has begun: a new one is had by asking again.
      const again = await this.#callOnce(call);
      return again === "no session" ? { kind: "lost", reason: "it ends every session at once" } : again;
    });
  }

  /** Who asks while a start goes on waits for what is left of the 10 s: they are not spent anew by each. */
  async #soon(current: Promise<Living>): Promise<Living> {
    const { clock } = this.#parts;
    const enough = new AbortController();
    const spentMs = clock.monotonic() - this.#startedAtMs;
    const disarm = clock.after(this.#living ? startWaitMs : Math.max(0, startWaitMs - spentMs), () =>
      enough.abort(
        new Error(`it has not said within ${startWaitMs / 1000} s what tools it has; it is still being started`),
      ),
    );
    try {
      return await orAborted(current, enough.signal);
    } finally {
      disarm();
    }
  }

  /** Resolves when its process is gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#closing.abort(new Error("this server is shutting down"));
    this.#disarmIdle();
    await this.#starting?.catch(() => undefined);
    this.#stop();
    await this.#stopping;
  }

  async #used<Value>(use: () => Promise<Value>): Promise<Value> {
    this.#uses += 1;
    this.#disarmIdle();
    try {
      return await use();
    } finally {
      this.#uses -= 1;
      if (this.#uses === 0 && !this.#isClosed) this.#disarmIdle = this.#parts.clock.after(idleMs, () => this.#stop());
    }
  }

  async #callOnce({
    name,
    arguments: args,
    signal,
    onProgress,
    objection,
  }: McpCall): Promise<McpAnswer | "no session"> {
    let living: Living;
    try {
      living = await orAborted(this.#current(), signal);
    } catch (error) {
      signal.throwIfAborted();
      return { kind: "unsent", reason: messageOf(error) };
    }
    signal.throwIfAborted();
    const reason = objection(living.tools);
    if (reason !== null) return { kind: "unsent", reason };
    const timeout = this.#parts.callTimeoutMs ?? callTimeoutMs;
    const patience = { timeout, resetTimeoutOnProgress: true, maxTotalTimeout: callTotalMs };
    try {
      const options = { signal, onprogress: onProgress, ...patience };
      const result = await living.client.callTool({ name, arguments: args }, options);
      this.#failures = 0;
      return { kind: "answer", result };
    } catch (error) {
      signal.throwIfAborted();
      return await this.#failureOf(error, living, timeout);
    }
  }

  async #failureOf(error: unknown, living: Living, timeoutMs: number): Promise<McpAnswer | "no session"> {
    const { ProtocolError, SdkError, SdkErrorCode, SdkHttpError } = await import("@modelcontextprotocol/client");
    const code = error instanceof SdkError ? error.code : undefined;
    if (code === SdkErrorCode.RequestTimeout) return { kind: "late", afterMs: timeoutMs };
    const isAnswer = code === SdkErrorCode.InvalidResult || code === SdkErrorCode.UnsupportedResultType;
    if (isAnswer || error instanceof ProtocolError) return { kind: "refused", reason: reasonOf(error) };
    const reason = endOf(living.transport) ?? reasonOf(error);
    this.#drop(living, reason);
    return error instanceof SdkHttpError && error.status === 404 ? "no session" : { kind: "lost", reason };
  }

  /** The connection, with its list read again where the server has said that it changed. */
  async #current(): Promise<Living> {
    this.#starting ??= this.#living ? undefined : this.#start().finally(() => (this.#starting = undefined));
    const living = this.#living ?? (await this.#starting);
    assert(living, "a server lives or is being started");
    if (!living.isStale) return living;
    living.isStale = false;
    try {
      living.tools = await listedTools(living.client);
    } catch (error) {
      const reason = endOf(living.transport) ?? reasonOf(error);
      this.#drop(living, reason);
      throw new Error(reason, { cause: error });
    }
    return living;
  }

  async #start(): Promise<Living> {
    const { clock } = this.#parts;
    if (this.#isClosed) throw new Error("this server is shutting down");
    const waitMs = (this.#failure?.retryAtMs ?? 0) - clock.monotonic();
    if (this.#failure && waitMs > 0)
      throw new Error(`${this.#failure.reason} (it is tried again in ${Math.ceil(waitMs / 1000)} s)`);
    this.#startedAtMs = clock.monotonic();
    await this.#stopping;
    const living: Living = Object.assign(await this.#open(), { sinceMs: clock.monotonic() });
    living.client.onclose = () => this.#drop(living, endOf(living.transport) ?? "it closed the connection");
    this.#living = living;
    return living;
  }

  async #open(): Promise<OpenedClient> {
    try {
      return await openClient({ ...this.#parts, signal: this.#closing.signal });
    } catch (error) {
      this.#failed(messageOf(error), this.#failures + 1);
      throw error;
    }
  }

  /** A connection that broke. The first time that happens to a server it is started again at once. */
  #drop(living: Living, reason: string): void {
    if (this.#living !== living) return;
    this.#living = undefined;
    this.#parts.log.warn({ reason }, "MCP server is gone");
    const livedMs = this.#parts.clock.monotonic() - living.sinceMs;
    if (livedMs >= shortLifeMs) this.#failures = 0;
    this.#failed(reason, this.#failures);
    this.#close(living);
  }

  #failed(reason: string, steps: number): void {
    const { clock } = this.#parts;
    this.#failures += 1;
    const delayMs = steps === 0 ? 0 : Math.min(backoffMaxMs, backoffBaseMs * 2 ** (steps - 1));
    this.#failure = { reason, retryAtMs: clock.monotonic() + delayMs };
  }

  #stop(): void {
    const living = this.#living;
    this.#living = undefined;
    if (living) this.#close(living);
  }

  #close(living: Living): void {
    this.#stopping = Promise.all([this.#stopping, closeClient(this.#parts.clock, living)]).then(() => undefined);
  }
}
