import { protocolVersion, type AuthMethod, type GatewayEvent } from "@duragent/gateway-protocol";

import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/telemetry.ts";
import { seldom } from "./seldom.ts";

const capabilitiesMax = 100;

/** What is remembered from one run of a program to its next. */
export type Remembered = {
  /** It has answered pings, or does what came after them. */
  readonly knowsPings: boolean;
  /** RFC 3339. */
  readonly lastInboundAt: string | undefined;
  /** What it can do holds for what it has sent before its end, too. */
  readonly capabilities: readonly string[];
};

export const nothingYet: Remembered = { knowsPings: false, lastInboundAt: undefined, capabilities: [] };

type Parts = {
  clock: Clock;
  log: Log;
  /** Short, without secrets and control characters. */ shown(text: string): string;
};

/** What one run of a gateway has said about itself. */
export class SelfDescription implements Remembered {
  connected: boolean | null = null;
  capabilities: readonly string[];
  program: { gateway: string; version: string } | undefined;
  auth: AuthMethod | undefined;
  knowsPings: boolean;
  lastInboundAt: string | undefined;
  /** What it reported last, until it reaches its platform or is ready anew. */
  error: string | undefined;

  readonly #parts: Parts;
  readonly #warnRarely: ReturnType<typeof seldom>;
  readonly #noteRarely: ReturnType<typeof seldom>;

  constructor({ knowsPings, lastInboundAt, capabilities }: Remembered, parts: Parts) {
    this.capabilities = capabilities;
    this.knowsPings = knowsPings;
    this.lastInboundAt = lastInboundAt;
    this.#parts = parts;
    this.#warnRarely = seldom(parts.clock, (fields, message) => parts.log.warn(fields, message));
    this.#noteRarely = seldom(parts.clock, (fields, message) => parts.log.info(fields, message));
  }

  ready({ gateway, version, capabilities }: GatewayEvent<"ready">): void {
    const { shown } = this.#parts;
    this.program = { gateway: shown(gateway), version: shown(version) };
    this.capabilities = capabilities.slice(0, capabilitiesMax).map(shown);
    // Newer than pings: whoever knows one knows the other.
    if (capabilities.includes("ack")) this.knowsPings = true;
    this.auth = undefined;
    this.error = undefined;
    if (isOtherProtocol(version))
      this.#warnRarely("gateway speaks another version of the protocol: what either does not know is ignored", {
        version: shown(version),
        known: protocolVersion,
      });
  }

  /** It brings messages without having said `ready`, as older programs may: then it can do nothing but send text. */
  presumedReady(): void {
    this.capabilities = [];
    this.auth = undefined;
  }

  received(): void {
    this.lastInboundAt = new Date(this.#parts.clock.now()).toISOString();
  }

  /** Whether `connected` is another than before. */
  heard({ connected, last_inbound_at }: GatewayEvent<"pong">): boolean {
    this.knowsPings = true;
    const told = Date.parse(last_inbound_at ?? "");
    if (told > Date.parse(this.lastInboundAt ?? "1970-01-01")) this.lastInboundAt = new Date(told).toISOString();
    if (connected) this.error = undefined;
    if (this.connected === connected) return false;
    this.connected = connected;
    const what = connected ? "gateway reaches its platform" : "gateway does not reach its platform";
    this.#parts.log.info({ connected }, what);
    return true;
  }

  /** Codes follow each other every few seconds: the log tells of the first, this has the newest. */
  authenticate(event: GatewayEvent<"auth_required" | "auth_success">): void {
    const before = this.auth;
    this.auth = event.type === "auth_success" ? undefined : event.method;
    if (event.type === "auth_success") return this.#noteRarely("gateway was let in by its platform");
    if (before === undefined)
      this.#warnRarely("gateway waits for somebody to let it in: see gateway list", { method: event.method.method });
  }
}

/** Older programs name the protocol's version there, newer ones their own, which begins with a digit. */
function isOtherProtocol(version: string): boolean {
  const major = /^v\d+/;
  const named = major.exec(version)?.[0];
  return named !== undefined && named !== major.exec(protocolVersion)?.[0];
}
