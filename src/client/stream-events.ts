import type { ByeBody, ReadyBody, TokenBody } from "../schema/api/stream.ts";
import type { SessionEvent, Usage } from "../schema/session-event.ts";
import type { SseMessage } from "./sse-parser.ts";

/** What the compatible stream of one turn says. */
export type TurnEvent =
  | { event: "start" }
  | { event: "token"; content: string }
  | { event: "approval_required"; call_id: string; command: string }
  | { event: "done"; message_id: string; usage: Usage | null; finish_reason?: string }
  | { event: "cancelled" }
  | { event: "error"; message: string };

/** What following a session gives: durable events once and in order, and live ones between them. */
export type FollowEvent =
  | { kind: "event"; id: string; event: SessionEvent }
  | { kind: "token"; id: string; data: TokenBody }
  /** Text of a running response that was shown is void. */
  | { kind: "token_reset"; data: { message_id?: string } }
  | { kind: "live"; name: "thinking" | "tool_output" | "activity"; data: Record<string, unknown> }
  /** The past has been sent; again after each new connection. */
  | { kind: "ready"; data: ReadyBody };

export type Received = FollowEvent | { kind: "bye"; data: ByeBody };

/** What one block of `GET …/events` means; `null` for what this client does not know. */
export function readFollowed({ id, event, data: text }: SseMessage): Received | null {
  // What these blocks hold, the server's schema says.
  const data = JSON.parse(text) as never;
  switch (event) {
    case "token":
      return id === undefined ? null : { kind: "token", id, data };
    case "token_reset":
      return { kind: "token_reset", data };
    case "thinking":
    case "tool_output":
    case "activity":
      return { kind: "live", name: event, data };
    case "ready":
      return { kind: "ready", data };
    case "bye":
      return { kind: "bye", data };
    default:
      return id === undefined ? null : { kind: "event", id, event: data };
  }
}

/** What one block of `POST …/stream` means; `null` for what this client does not know. */
export function readTurn({ event, data: text }: SseMessage): TurnEvent | null {
  // As above.
  switch (event) {
    case "start":
    case "token":
    case "approval_required":
    case "done":
    case "cancelled":
    case "error":
      return { event, ...(JSON.parse(text) as object) } as TurnEvent;
    default:
      return null;
  }
}
