import type { AuthMethod, Command, GatewayEvent } from "@duragent/gateway-protocol";

/**
 * `starting`: it has not said `ready`; `waiting`: it ended, and is started again after a pause; `failed`: five failures in
 * a row; `stopped`: it is not to be started again. `off`: this server starts none.
 */
export type GatewayState = "starting" | "ready" | "waiting" | "failed" | "stopped" | "off";

export type GatewayStatus = {
  readonly name: string;
  readonly command: string;
  readonly state: GatewayState;
  readonly pid?: number;
  /** Whether it reaches its platform; `null` until it has said. */
  readonly connected: boolean | null;
  /** Since the server's start. */
  readonly restarts: number;
  readonly lastError?: string;
  readonly capabilities: readonly string[];
  /** What it calls itself. */
  readonly program?: { readonly gateway: string; readonly version: string };
  /** RFC 3339. */
  readonly lastInboundAt?: string;
  /** What somebody has to do so that the platform lets it in. */
  readonly auth?: AuthMethod;
  /** `inbound`: events being handled; `outbound`: commands it has not read; `unanswered`: commands it has not answered. */
  readonly queue: { readonly inbound: number; readonly outbound: number; readonly unanswered: number };
};

/** Commands that are answered, without the id that pairs them. */
export type GatewayRequest = Extract<
  Command,
  { type: "send_message" | "edit_message" | "delete_message" | "send_media" | "answer_callback_query" }
>;
/** Commands that are not. */
export type GatewayHint = Extract<Command, { type: "send_typing" | "ack" }>;

/** `unanswered`: it may or may not have happened; the same `request_id` may be sent again. */
export type GatewayAnswer =
  | { readonly kind: "ok"; readonly messageId?: string }
  | { readonly kind: "error"; readonly code: string; readonly detail: string; readonly retryAfterMs?: number }
  | {
      readonly kind: "unanswered";
      readonly why: "not_ready" | "ended" | "not_reading" | "timeout";
      readonly detail: string;
    };

export type InboundEvent = GatewayEvent<"message_received" | "callback_query">;

export type GatewayHandler = {
  /** Events of one gateway, in its order; the next may come before an earlier one is handled. The host reads no faster than they are handled. Never rejects. */
  received(gateway: string, event: InboundEvent): Promise<void>;
  /** It has become ready, has ceased to be, or its `connected` has changed. */
  changed(gateway: string): void;
};

/** Gateway programs and their lives: the only place that knows they are subprocesses. */
export interface GatewayHost {
  /** Starts every configured program. */
  start(handler: GatewayHandler): void;
  list(): readonly GatewayStatus[];
  status(name: string): GatewayStatus | undefined;
  /** It takes commands now. */
  isReady(name: string): boolean;
  /** Answered within 60 s, or `unanswered`. At most 1,000 are kept for a gateway that does not read: then `not_reading` at once. */
  ask(name: string, request: GatewayRequest): Promise<GatewayAnswer>;
  /** `false`: dropped, because it is not ready or does not read. An `ack` is only dropped where the gateway has ended. */
  tell(name: string, hint: GatewayHint): boolean;
  /** Ends it, if it runs, and starts it anew with a clean count; resolves when the new program runs. Throws `not-found`. */
  restart(name: string): Promise<GatewayStatus>;
  /** Asks it whether it reaches its platform. */
  ping(
    name: string,
  ): Promise<{ kind: "pong"; connected: boolean; tookMs: number } | { kind: "silent"; detail: string }>;
  /** Ends all: resolves when no process of any is left. */
  stop(): Promise<void>;
}
