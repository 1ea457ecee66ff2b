import type { ServerApi, ShownSession } from "./api.ts";

/** The newest sessions among which the last used are looked for; a page of the API. */
const lookedThroughMax = 1000;

/** Sessions, the last used first. */
export async function recentSessions(
  server: Pick<ServerApi, "sessions">,
  { limit, ...query }: Parameters<ServerApi["sessions"]>[0],
): Promise<ShownSession[]> {
  const sessions = await server.sessions({ ...query, limit: lookedThroughMax });
  return sessions.toSorted((one, other) => Date.parse(other.updated_at) - Date.parse(one.updated_at)).slice(0, limit);
}
