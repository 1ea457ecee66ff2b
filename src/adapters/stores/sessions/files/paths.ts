import { join } from "node:path";

import { sessionIdSchema, type SessionId } from "../../../../schema/ids.ts";
import { DuragentError } from "../../../../schema/problem.ts";

/** Where the files of one session lie. */
export type SessionPaths = {
  folder: string;
  log: string;
  snapshot: string;
  torn: string;
  quarantine: string;
  opens: string;
  /** The snapshot of Duragent 0.5. */
  legacyState: string;
};

/** An id becomes a path here and nowhere else, and only after it has been checked. */
export function sessionPaths(sessions: string, id: string): SessionPaths {
  if (!sessionIdSchema.safeParse(id).success) {
    throw new DuragentError("bad-request", `${JSON.stringify(id)} is no session id: it must be session_ and a ULID`);
  }
  const folder = join(sessions, id);
  return {
    folder,
    log: join(folder, "events.jsonl"),
    snapshot: join(folder, "state.yaml"),
    torn: join(folder, "events.torn"),
    quarantine: join(folder, "events.quarantine.jsonl"),
    opens: join(folder, "opens"),
    legacyState: join(folder, "state.json"),
  };
}

export function trashFolder(sessions: string): string {
  return join(sessions, ".trash");
}

export function identityPath(sessions: string): string {
  return join(sessions, "ids.jsonl");
}

export function asSessionId(name: string): SessionId | null {
  const parsed = sessionIdSchema.safeParse(name);
  return parsed.success ? parsed.data : null;
}
