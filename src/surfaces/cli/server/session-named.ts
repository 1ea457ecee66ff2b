import { sessionIdSchema } from "../../../schema/ids.ts";
import { CommandFailure, exitCodes } from "../exit.ts";
import type { ServerApi } from "./api.ts";

/** How many sessions a short name is looked for among. */
const lookedThroughMax = 1000;
const shortNameLengthMin = 3;

/** A whole id as it is; else the one session (ended ones as well) whose id ends in the text. */
export async function sessionNamed(server: Pick<ServerApi, "sessions">, text: string): Promise<string> {
  if (sessionIdSchema.safeParse(text).success) return text;
  const hint = "`duragent session list` shows the sessions there are";
  if (text.length < shortNameLengthMin)
    throw new CommandFailure(exitCodes.usage, `"${text}" names no session`, { hint });
  const [open, ended] = await Promise.all([
    server.sessions({ limit: lookedThroughMax }),
    server.sessions({ status: "ended", limit: lookedThroughMax }),
  ]);
  const matching = new Set(
    [...open, ...ended].map(({ session_id }) => session_id).filter((id) => id.endsWith(text.toUpperCase())),
  );
  const [only] = matching;
  if (only !== undefined && matching.size === 1) return only;
  throw new CommandFailure(
    exitCodes.usage,
    `${matching.size === 0 ? "no session" : "more than one session"} ends in "${text}"`,
    { hint },
  );
}
