import type { Command } from "commander";

import type { RepairReport, VerifyReport } from "../../../ports/session-store.ts";
import { sessionIdSchema } from "../../../schema/ids.ts";
import type { SessionId } from "../../../schema/ids.ts";
import { terminalJson, terminalText } from "../../../domain/terminal-text.ts";
import type { CommandContext, GlobalFlags } from "../context.ts";
import { CommandFailure, exitCodes } from "../exit.ts";
import type { Setup } from "../program.ts";
import { openServerIfAny } from "../server/connect.ts";
import { requireWorkspace } from "../workspace/workspace-here.ts";

type Mending = {
  ids(): Promise<SessionId[]>;
  verify(id: SessionId): Promise<VerifyReport>;
  repair(id: SessionId, options: { apply: boolean; reseal: boolean }): Promise<RepairReport>;
};

/** The server that holds the directory does it; without one this process takes the lock meanwhile. */
async function withMending<Result>(
  context: CommandContext,
  globals: GlobalFlags,
  perform: (mending: Mending) => Promise<Result>,
): Promise<Result> {
  const server = await openServerIfAny(context, globals);
  if (server !== null) {
    return perform({
      ids: async () => {
        const pages = await Promise.all([
          server.sessions({ limit: 1000 }),
          server.sessions({ status: "ended", limit: 1000 }),
        ]);
        return pages.flat().map(({ session_id }) => sessionIdSchema.parse(session_id));
      },
      verify: (id) => server.verify(id),
      repair: (id, options) => server.repair(id, options),
    });
  }
  await requireWorkspace(context, globals);
  const ground = await context.ground();
  await using offline = await ground.offlineSessions({ cwd: context.cwd, env: context.env, config: globals.config });
  return await perform(offline);
}

async function named(mending: Mending, text: string): Promise<SessionId> {
  const parsed = sessionIdSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  const matching = (await mending.ids()).filter((id) => id.endsWith(text.toUpperCase()));
  const [only] = matching;
  if (only !== undefined && matching.length === 1) return only;
  throw new CommandFailure(
    exitCodes.usage,
    `${matching.length === 0 ? "no session" : "more than one session"} ends in ${text}`,
    { hint: "`duragent session list` shows them" },
  );
}

function verdict(report: VerifyReport): string {
  if (report.problems.length === 0)
    return `${report.sessionId}: sound (${report.events} events, ${report.bytes} bytes)`;
  const places = report.problems.map(
    ({ file, line, reason }) => `  ${file}${line === undefined ? "" : `:${line}`}: ${reason}`,
  );
  return terminalText([`${report.sessionId}: ${report.events} events can be read`, ...places].join("\n"));
}

export function defineMending(command: Command, { context, action }: Setup): void {
  command
    .command("verify")
    .description("read a log (or all) from end to end and name what is wrong; exit 1 if anything is")
    .argument("[session]", "its id, or how it ends; all without")
    .addHelpText("after", "\nExample:\n  duragent session verify\n")
    .action(
      action(async (globals, _flags, id) => {
        const reports = await withMending(context, globals, async (mending) => {
          const ids = id === undefined ? await mending.ids() : [await named(mending, id)];
          const found: VerifyReport[] = [];
          for (const one of ids) found.push(await mending.verify(one));
          return found;
        });
        context.stdout.write(
          globals.json ? `${terminalJson({ reports })}\n` : `${reports.map(verdict).join("\n") || "No sessions."}\n`,
        );
        return reports.every(({ problems }) => problems.length === 0) ? exitCodes.done : exitCodes.failed;
      }),
    );

  command
    .command("repair")
    .description("say what would make a damaged session usable; with --yes do it")
    .argument("<session>", "its id, or how it ends")
    .option("-y, --yes", "do it: bad lines are moved aside, never thrown away")
    .option("--reseal", "take the log as it stands: it was edited by hand")
    .addHelpText("after", "\nExample:\n  duragent session repair 8S9T --yes\n")
    .action(
      action<{ yes?: boolean; reseal?: boolean }>(async (globals, { yes, reseal }, id = "") => {
        const report = await withMending(context, globals, async (mending) =>
          mending.repair(await named(mending, id), { apply: yes === true, reseal: reseal === true }),
        );
        if (globals.json) context.stdout.write(`${terminalJson(report)}\n`);
        else {
          const lines = [
            verdict(report),
            ...report.actions.map((line) => `  ${report.applied ? "done" : "would"}: ${terminalText(line)}`),
          ];
          if (!report.applied && report.actions.length > 0) lines.push("Nothing was changed; --yes does it.");
          context.stdout.write(`${lines.join("\n")}\n`);
        }
        return exitCodes.done;
      }),
    );
}
