import type { Capability, Command, ErrorCode, GatewayEvent } from "./messages.ts";

/** A command that did not work: becomes `command_error`. Anything else that is thrown becomes `platform_error`. */
export class CommandFailure extends Error {
  readonly code: ErrorCode;
  /** When the platform wants to be asked again. */
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, options: { retryAfterSeconds?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = "CommandFailure";
    this.code = code;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** The core, as a gateway sees it. */
export type Core = {
  /**
   * Hands a message (or a press of a button) over, after `ready`: `start` must not wait for it. Resolves once the core has it
   * durably, and is handed it again while it does not say so, first after 10 s; rejects with the signal's reason, or when the
   * gateway ends. An older core (no `initialize`) has it once it is written.
   */
  deliver(event: GatewayEvent<"message_received" | "callback_query">, signal?: AbortSignal): Promise<void>;
  /** What went wrong outside of a command. `fatal`: the gateway ends after it. */
  error(code: ErrorCode, message: string, fatal?: boolean): void;
  /** A line of the gateway's log, on stderr. Never holds a token. */
  log(message: string): void;
  /** Fires when the gateway is to end. */
  readonly stopping: AbortSignal;
};

/** What `initialize` brought; without one (an older core) `config` is empty and `name` the gateway's own. */
export type Setting = {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A folder of this gateway's own, absolute, for what it must remember; without one it remembers until it ends. */
  readonly dataDir?: string | undefined;
  readonly core: Core;
};

/** One `send_message` or `send_media`, which may become several messages of the platform. */
export type Sending = {
  /** Ids of the parts that an earlier try has sent: go on with the next. */
  readonly sentParts: readonly string[];
  /** To be called after each part that the platform took, before the next: durable against a kill when it resolves. */
  partSent(messageId: string): Promise<void>;
};

/**
 * A gateway: what an author writes. `runGateway` does the rest: stdio, framing, answers, ping, requests that come twice,
 * the end. Methods that are left out answer `invalid_request`; `capabilities` says which are there.
 */
export interface Gateway {
  readonly capabilities: readonly Capability[];
  /** Whether the platform is reached right now. */
  isConnected(): boolean;
  /** RFC 3339 of the platform's newest event. */
  lastInboundAt?(): string | undefined;
  /** Returns the id of the last part. Throws CommandFailure. */
  sendMessage(command: Command<"send_message">, sending: Sending): Promise<string | undefined>;
  sendMedia?(command: Command<"send_media">, sending: Sending): Promise<string | undefined>;
  editMessage?(command: Command<"edit_message">): Promise<void>;
  deleteMessage?(command: Command<"delete_message">): Promise<void>;
  sendTyping?(command: Command<"send_typing">): Promise<void>;
  answerCallbackQuery?(command: Command<"answer_callback_query">): Promise<void>;
  /** Lets go of the platform; at most 3 s. */
  stop(): Promise<void>;
}

/**
 * Connects to the platform. Resolves when messages can be sent: `ready` is said then. Throws CommandFailure
 * `unauthorized` where the platform refuses the token: the program says so as a fatal error and exits with 1.
 */
export type StartGateway = (setting: Setting) => Promise<Gateway>;
