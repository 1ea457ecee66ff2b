import type { CommandContext } from "../context.ts";
import type { ShownSession } from "../server/api.ts";
import { age } from "./duration.ts";
import { writeTable } from "./table.ts";

/** What to know of a session first: that it is damaged, that it waits for somebody, or its status. */
export function shownStatus({ problem, activity, status }: ShownSession): string {
  if (problem !== undefined) return problem.code;
  return activity === "awaiting_approval" || activity === "backing_off" ? activity : status;
}

/** Sessions, a line each, or what starts one. */
export function writeSessions(
  { stdout, env }: Pick<CommandContext, "stdout" | "env">,
  sessions: readonly ShownSession[],
): void {
  if (sessions.length === 0) return void stdout.write("No sessions. `duragent chat` starts one.\n");
  const hasChats = sessions.some(({ gateway }) => gateway !== undefined);
  const rows = sessions.map((session) => [
    session.session_id,
    session.agent,
    shownStatus(session),
    age(session.updated_at, Date.now()),
    ...(hasChats ? [chatOf(session)] : []),
    session.title ?? "",
  ]);
  const heading = ["SESSION", "AGENT", "STATUS", "USED", ...(hasChats ? ["CHAT"] : []), "TITLE"];
  writeTable(stdout, env, { heading, rows });
}

const chatOf = ({ gateway }: ShownSession): string => (gateway ? `${gateway.name}:${gateway.chat_id}` : "");
