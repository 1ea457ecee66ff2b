import type {
  AcceptedBody,
  AnswerBody,
  ApproveBody,
  ApprovedBody,
  ApprovedOpenBody,
  AskedBody,
  MessageListBody,
  OpenTurnBody,
  SendMessageBody,
} from "../../schema/api/message.ts";
import type { SessionId } from "../../schema/ids.ts";
import type { SessionEvent } from "../../schema/session-event.ts";
import { followSession, type FollowOptions } from "../follow.ts";
import type { RequestOptions, Requests } from "../request.ts";
import { parseSse } from "../sse-parser.ts";
import { readTurn, type FollowEvent, type TurnEvent } from "../stream-events.ts";
import { sessionPath } from "./sessions.ts";

/** What became of a message: answered, or (`202`) a question, a turn that goes on, or that it is durable. */
export type MessageOutcome =
  | ({ kind: "answered" } & AnswerBody)
  | ({ kind: "pending_approval" } & AskedBody)
  | ({ kind: "open" } & OpenTurnBody);
export type ApprovalOutcome = ApprovedBody | ApprovedOpenBody;

/** What is said in a session, by whom, and what comes of it. */
export const turnCalls = (requests: Requests) => ({
  listMessages: (id: SessionId, query: { limit?: number; before?: number } = {}): Promise<MessageListBody> =>
    requests.json({ method: "GET", path: sessionPath(id, "/messages"), query }),

  /** Waits for the turn that takes the message in. */
  async sendMessage(id: SessionId, body: SendMessageBody, options: RequestOptions = {}): Promise<MessageOutcome> {
    const answer = await requests.json<AnswerBody | AskedBody | OpenTurnBody>({
      ...options,
      method: "POST",
      path: sessionPath(id, "/messages"),
      body,
    });
    if ("role" in answer) return { kind: "answered", ...answer };
    return answer.status === "pending_approval" ? { kind: "pending_approval", ...answer } : { kind: "open", ...answer };
  },

  /** Resolves once the message is durable; its turn runs without a client. */
  postMessage: (id: SessionId, body: SendMessageBody, options: RequestOptions = {}): Promise<AcceptedBody> =>
    requests.json({
      ...options,
      method: "POST",
      path: sessionPath(id, "/messages"),
      body,
      headers: { prefer: "respond-async" },
    }),

  approve: (id: SessionId, body: ApproveBody, options: RequestOptions = {}): Promise<ApprovalOutcome> =>
    requests.json({ ...options, method: "POST", path: sessionPath(id, "/approve"), body }),

  /** Sends a message and gives its turn as it comes. A stream that breaks off ends without a last event: follow then. */
  async *stream(id: SessionId, body: SendMessageBody, options: RequestOptions = {}): AsyncGenerator<TurnEvent> {
    const response = await requests.open({ ...options, method: "POST", path: sessionPath(id, "/stream"), body });
    for await (const item of parseSse(response.body)) {
      const event = item === null ? null : readTurn(item);
      if (event !== null) yield event;
    }
  },

  /** Follows a session over as many connections as it takes. */
  follow: (id: SessionId, options: FollowOptions = {}): AsyncGenerator<FollowEvent> =>
    followSession(requests, id, options),

  /** A page of the log. */
  listEvents: (
    id: SessionId,
    query: { after?: number; limit?: number } = {},
  ): Promise<{ events: SessionEvent[]; last_seq: number }> =>
    requests.json({
      method: "GET",
      path: sessionPath(id, "/events"),
      query,
      headers: { accept: "application/json" },
    }),
});
