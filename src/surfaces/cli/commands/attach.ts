import { terminalJson, terminalLine } from "../../../domain/terminal-text.ts";
import { converse } from "../conversation/converse.ts";
import { CommandFailure, exitCodes } from "../exit.ts";
import { pick } from "../input/pick.ts";
import { age } from "../output/duration.ts";
import { shownStatus, writeSessions } from "../output/session-table.ts";
import type { Definition } from "../program.ts";
import type { ShownSession } from "../server/api.ts";
import { openServer } from "../server/connect.ts";
import { pastFrom } from "../server/past-from.ts";
import { recentSessions } from "../server/recent-sessions.ts";
import { sessionNamed } from "../server/session-named.ts";

type Flags = { list?: boolean; readOnly?: boolean };

const listedMax = 50;
const choiceTitleMax = 50;

const describe = (session: ShownSession): string =>
  `${session.agent}, ${shownStatus(session)}, ${age(session.updated_at, Date.now())}: ${terminalLine(session.title ?? "(nothing said yet)", choiceTitleMax)}`;

export const define: Definition = (command, { context, action }) => {
  command
    .argument("[session]", "its id, or how it ends; without, you are asked")
    .option("-l, --list", "list the sessions that can be attached to")
    .option("--read-only", "watch without attaching")
    .addHelpText("after", "\nExamples:\n  duragent attach\n  duragent attach 8S9T --read-only\n")
    .action(
      action<Flags>(async (globals, { list, readOnly }, id) => {
        const server = await openServer(context, globals);
        if (list === true) {
          const sessions = await recentSessions(server, { limit: listedMax });
          if (globals.json) context.stdout.write(`${terminalJson({ sessions })}\n`);
          else writeSessions(context, sessions);
          return exitCodes.done;
        }
        let sessionId: string;
        if (id === undefined) {
          const sessions = await recentSessions(server, { limit: listedMax });
          const [only] = sessions;
          if (only === undefined)
            throw new CommandFailure(exitCodes.failed, "there is no session to attach to", {
              hint: "`duragent chat` starts one",
            });
          const choices = sessions.map((one) => ({
            value: one.session_id,
            label: `${one.session_id}  ${describe(one)}`,
          }));
          sessionId =
            sessions.length === 1
              ? only.session_id
              : await pick(context, "Which session?", choices, "name one: duragent attach SESSION");
        } else {
          sessionId = await sessionNamed(server, id);
        }
        const session = await server.session(sessionId);
        const after = await pastFrom(context, server, session);
        return converse({ context, globals, server, session, after, readOnly: readOnly === true, announceLive: true });
      }),
    );
};
