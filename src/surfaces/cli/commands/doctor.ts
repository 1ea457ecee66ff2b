import { terminalJson, terminalText } from "../../../domain/terminal-text.ts";
import type { CommandContext, GlobalFlags } from "../context.ts";
import { exitCodes } from "../exit.ts";
import type { DoctorReport } from "../ground.ts";
import { paintFor, type Paint } from "../paint.ts";
import type { Definition } from "../program.ts";
import { openServerIfAny } from "../server/connect.ts";

type Flags = { online?: boolean; fix?: boolean };

const marks = { ok: ["green", "ok   "], warn: ["yellow", "warn "], error: ["red", "error"] } as const;

function render(report: DoctorReport, paint: Paint, quiet: boolean): string {
  const lines: string[] = [];
  for (const { name, checks } of report.sections) {
    const shown = quiet ? checks.filter(({ status }) => status !== "ok") : checks;
    if (shown.length === 0) continue;
    lines.push(paint("bold", name));
    for (const { status, message, remedy } of shown) {
      const [style, mark] = marks[status];
      lines.push(`  ${paint(style, mark)} ${terminalText(message).replaceAll("\n", "\n        ")}`);
      if (remedy !== undefined) lines.push(`        ${paint("dim", `→ ${terminalText(remedy)}`)}`);
    }
  }
  const { ok, warn, error } = report.summary;
  lines.push(`${ok} ok, ${warn} warnings, ${error} errors`);
  return `${lines.join("\n")}\n`;
}

/** What a running server finds out about itself; nothing where none runs or the configuration does not say where. */
async function served(context: CommandContext, globals: GlobalFlags): Promise<unknown> {
  try {
    return await (await openServerIfAny(context, globals))?.doctor();
  } catch {
    // The report itself says what is wrong with the configuration or the server.
    return undefined;
  }
}

export const define: Definition = (command, { context, action }) => {
  command
    .option("--online", "also ask each provider for one tiny answer")
    .option("--fix", "mend what is safe to mend")
    .addHelpText("after", "\nExample:\n  duragent doctor --fix\n")
    .action(
      action<Flags>(async (globals, flags) => {
        const ground = await context.ground();
        const options = {
          online: flags.online === true,
          fix: flags.fix === true,
          served: await served(context, globals),
        };
        const report = await ground.doctor({ cwd: context.cwd, env: context.env, config: globals.config }, options);
        context.stdout.write(
          globals.json
            ? `${terminalJson(report, 2)}\n`
            : render(report, paintFor(context.stdout, context.env), globals.verbosity < 0),
        );
        return report.status === "error" ? exitCodes.failed : exitCodes.done;
      }),
    );
};
