import type { TestContext } from "node:test";

/** A message of the bot as the people of a chat see it now. */
export type BotMessage = {
  readonly id: string;
  /** What is read: formatting taken away, entities decoded. */
  readonly text: string;
  /** As the platform has it. */
  readonly raw: string;
  /** Captions, by row; empty once they were taken away. */
  readonly buttons: readonly (readonly string[])[];
  readonly replyTo?: string;
  readonly threadId?: string;
  readonly edits: number;
};

export type TestChat = {
  /** As the gateway names it to the core. */
  readonly id: string;
  /** Someone says something; resolves with the platform's id of the message once the bot's side could see it. */
  say(
    user: string,
    text: string,
    options?: { mention?: boolean; replyTo?: string; threadId?: string },
  ): Promise<string>;
  /** The bot's messages, oldest first. */
  messages(): readonly BotMessage[];
  /** Resolves with the first message of the bot that `is` true of, now or later. Fails after 20 s, naming `what` and all there is. */
  waitFor(what: string, is: (message: BotMessage) => boolean): Promise<BotMessage>;
  /** Someone presses a button; resolves with what only they are shown, once the platform was told. */
  press(user: string, message: BotMessage, caption: string): Promise<string | undefined>;
  /** How often the bot has said that it types. */
  readonly typings: number;
};

/** A chat platform on this machine: strict as the real one, with people who use it. Users are named by their platform id. */
export type TestPlatform = {
  readonly name: "telegram" | "discord" | "slack";
  /** The most that one message holds, in the platform's own unit, and how that counts. */
  readonly limit: { readonly max: number; size(raw: string): number };
  /** What stands in `gateways.external` of duragent.yaml to join it. */
  readonly gateway: {
    readonly name: string;
    readonly command: string;
    readonly config: Readonly<Record<string, unknown>>;
  };
  dm(user: string): TestChat;
  group(title: string, members: readonly string[]): TestChat;
  /** Requests that the real platform would have refused as malformed: none is expected. */
  readonly violations: readonly string[];
  /** The next call that sends a message is answered with 429 and this many seconds. */
  rateLimitNext(retryAfterSeconds: number): void;
  /** The next call that sends a message is done, and its connection cut before the answer. */
  cutNext(): void;
  /** Cuts every open connection: long polls, websockets. New ones are taken. */
  dropConnections(): void;
  /** Delivers the newest message of people once more, as after a lost confirmation; `false` where the platform never does. */
  redeliver(): Promise<boolean>;
  /** While `false`, every new connection and call is refused as if the platform were away. */
  setReachable(reachable: boolean): void;
  /** Calls that sent or edited, refused ones included. */
  readonly calls: readonly { readonly method: string; readonly status: number }[];
  close(): Promise<void>;
};

/** Each platform's file exports one. */
export type OpenTestPlatform = (t: Pick<TestContext, "after">) => Promise<TestPlatform>;
