import type { AttachmentBody, SessionBody, SessionListBody } from "../../schema/api/session.ts";
import type { SessionId } from "../../schema/ids.ts";
import type { OnDisconnect, SessionStatus } from "../../schema/session-event.ts";
import type { RequestOptions, Requests } from "../request.ts";

export type ListSessions = {
  status?: SessionStatus;
  agent?: string;
  labels?: Readonly<Record<string, string>>;
  limit?: number;
  cursor?: string;
};
export type NewSession = ({ agent: string } | { agent_spec: unknown }) & {
  on_disconnect?: OnDisconnect;
  labels?: Readonly<Record<string, string>>;
  session_id?: SessionId;
};

/** The address of a session's resource. */
export const sessionPath = (id: SessionId, rest = ""): string => `/api/v1/sessions/${encodeURIComponent(id)}${rest}`;

/** Sessions as a whole: made, found, steered, taken away. */
export function sessionCalls(requests: Requests) {
  const control = (action: string) => (id: SessionId, reason?: string) =>
    requests.json<SessionBody>({
      method: "POST",
      path: sessionPath(id, `/${action}`),
      body: reason === undefined ? {} : { reason },
    });
  return {
    listSessions({ labels = {}, ...query }: ListSessions = {}): Promise<SessionListBody> {
      const byLabel = Object.fromEntries(Object.entries(labels).map(([key, value]) => [`label.${key}`, value]));
      return requests.json({ method: "GET", path: "/api/v1/sessions", query: { ...query, ...byLabel } });
    },
    createSession: (body: NewSession, options: RequestOptions = {}): Promise<SessionBody> =>
      requests.json({ ...options, method: "POST", path: "/api/v1/sessions", body }),
    getSession: (id: SessionId): Promise<SessionBody> => requests.json({ method: "GET", path: sessionPath(id) }),
    async deleteSession(id: SessionId): Promise<void> {
      await requests.text({ method: "DELETE", path: sessionPath(id) });
    },
    endSession: control("end"),
    cancelSession: control("cancel"),
    pauseSession: control("pause"),
    resumeSession: control("resume"),
    forkSession: (id: SessionId, body: { at_seq?: number } = {}, options: RequestOptions = {}): Promise<SessionBody> =>
      requests.json({ ...options, method: "POST", path: sessionPath(id, "/fork"), body }),
    attachSession: (id: SessionId, body: { client_id?: string; ttl_seconds?: number } = {}): Promise<AttachmentBody> =>
      requests.json({ method: "POST", path: sessionPath(id, "/attach"), body }),
    detachSession: (id: SessionId, clientId: string): Promise<AttachmentBody> =>
      requests.json({ method: "POST", path: sessionPath(id, "/detach"), body: { client_id: clientId } }),

    /** The log's bytes as JSON lines, or the conversation as Markdown. */
    async exportSession(id: SessionId, format: "jsonl" | "markdown" = "jsonl"): Promise<AsyncIterable<Uint8Array>> {
      return (await requests.open({ method: "GET", path: sessionPath(id, "/export"), query: { format } })).body;
    },
  };
}
