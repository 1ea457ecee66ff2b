import type { CommandContext, GlobalFlags } from "../context.ts";
import { converse } from "../conversation/converse.ts";
import { CommandFailure, exitCodes } from "../exit.ts";
import { pick } from "../input/pick.ts";
import type { Definition } from "../program.ts";
import type { ServerApi } from "../server/api.ts";
import { openServer } from "../server/connect.ts";
import { missingAgent } from "../server/missing-agent.ts";
import { pastFrom } from "../server/past-from.ts";
import { sessionNamed } from "../server/session-named.ts";

type Flags = { agent?: string; session?: string };

/** The named agent, else the only one, else the one that is picked. */
async function chooseAgent(
  { context, globals, server }: { context: CommandContext; globals: GlobalFlags; server: ServerApi },
  named: string | undefined,
): Promise<string> {
  const agents = await server.agents();
  if (named !== undefined) {
    if (agents.some(({ name }) => name === named)) return named;
    throw await missingAgent({ context, globals, server }, named);
  }
  const [only] = agents;
  if (only === undefined)
    throw new CommandFailure(exitCodes.failed, "there is no agent yet", {
      hint: "`duragent init --demo` makes one that needs no key; `duragent doctor` says why one is missing",
    });
  if (agents.length === 1) return only.name;
  const choices = agents.map(({ name, description }) =>
    description === undefined ? { value: name, label: name } : { value: name, label: name, hint: description },
  );
  return pick(context, "Which agent?", choices, "name one with -a");
}

export const define: Definition = (command, { context, action }) => {
  command
    .option("-a, --agent <name>", "with which agent (default: the only one, else you are asked)")
    .option("-s, --session <id>", "go on with this session instead of a new one")
    .addHelpText("after", "\nExamples:\n  duragent chat -a demo\n  echo hello | duragent chat -a demo\n")
    .action(
      action<Flags>(async (globals, { agent, session: id }) => {
        if (agent !== undefined && id !== undefined)
          throw new CommandFailure(exitCodes.usage, "a session has its agent: give -a or -s, not both");
        const server = await openServer(context, globals, { makesWorkspace: true });
        if (id === undefined) {
          const session = await server.createSession(await chooseAgent({ context, globals, server }, agent));
          return converse({ context, globals, server, session, after: 0, readOnly: false, announceLive: false });
        }
        const session = await server.session(await sessionNamed(server, id));
        return converse({
          context,
          globals,
          server,
          session,
          after: await pastFrom(context, server, session),
          readOnly: false,
          announceLive: true,
        });
      }),
    );
};
