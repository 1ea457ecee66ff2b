import type { Chat, SeenMessage } from "../../ports/chat-index.ts";
import type { Clock } from "../../ports/clock.ts";
import type { GatewayHost, InboundEvent } from "../../ports/gateway-host.ts";
import type { Log, Metrics } from "../../ports/telemetry.ts";
import type { ChatType } from "../../domain/gateways/chat-type.ts";
import type { Route } from "../../domain/gateways/route.ts";
import type { SessionId } from "../../schema/ids.ts";
import type { AgentCatalog } from "../agents/catalog-types.ts";
import type { Sessions } from "../runtime.ts";

export type MessageEvent = Extract<InboundEvent, { type: "message_received" }>;
export type PressEvent = Extract<InboundEvent, { type: "callback_query" }>;

/** Which sessions belong to a chat; one for each agent is open at most. */
export type RoutedChats = {
  /** Finds the open session, or creates one. Throws what creating a session does. */
  ensure(chat: Chat & { readonly chatType: ChatType }, agent: string): Promise<SessionId>;
  open(chat: Chat, agent: string): SessionId | undefined;
  /** The open ones, of all agents. */
  sessionsOf(chat: Chat): readonly SessionId[];
};

/** Which messages have come before. */
export type SeenBefore = {
  has(chat: Chat, key: string): Promise<boolean>;
  note(seen: readonly SeenMessage[]): Promise<void>;
};

/**
 * The text that the model reads for a message, without its sender; files of it are kept as artifacts of the agent first.
 * `keep: false`: files are named only. What can not be fetched is said in the text: it never throws for that.
 */
export type DescribeMessage = (
  message: MessageEvent,
  place: { readonly gateway: string; readonly agent: string; readonly sessionId: SessionId; readonly keep: boolean },
) => Promise<string>;

/** What the way in of chat messages needs. */
export type RouterParts = {
  readonly sessions: Pick<Sessions, "send" | "sendSilent" | "checkSender" | "decide" | "control" | "get" | "events">;
  readonly chats: RoutedChats;
  readonly seen: SeenBefore;
  readonly host: Pick<GatewayHost, "ask" | "tell" | "status" | "isReady">;
  readonly catalog: Pick<AgentCatalog, "get" | "list" | "invalid">;
  readonly describe: DescribeMessage;
  /** Read anew for each message. */
  settings(): { readonly routes: readonly Route[]; readonly defaultAgent: string | undefined };
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** SHA-256 of a text, 64 hex digits. */
  digest(text: string): string;
  /** Takes known secrets out of what is about to be shown. */
  redact<Value>(value: Value): Value;
};
