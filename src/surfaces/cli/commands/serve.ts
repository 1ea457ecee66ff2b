import type { Command } from "commander";

import { terminalJson, terminalLine, terminalText } from "../../../domain/terminal-text.ts";
import type { GlobalFlags } from "../context.ts";
import { CommandFailure, exitCodes } from "../exit.ts";
import { sandboxWarning } from "../output/sandbox-warning.ts";
import { paintFor } from "../paint.ts";
import type { Definition, Setup } from "../program.ts";
import type { ServerApi } from "../server/api.ts";
import { wholeNumber } from "../whole-number.ts";

type Flags = {
  host?: string;
  port?: number;
  agentsDir?: string;
  adminToken?: string;
  ephemeral?: number;
  watch: boolean;
  socketOnly?: boolean;
};

function defineServing(command: Command, { context, action }: Setup): void {
  command
    .option("--host <host>", "listen here (default: 127.0.0.1)")
    .option("--port <port>", "on this port; 0 takes a free one (default: 8080)", wholeNumber(0, 65_535))
    .option("--agents-dir <folder>", "where the agents are")
    .option("--admin-token <token>", "for the admin routes; better in duragent.yaml, where `ps` does not show it")
    .option("--ephemeral <seconds>", "stop after so long without clients and work", wholeNumber(1))
    .option("--no-watch", "do not follow changes of agents and configuration")
    .addHelpText("after", "\nExamples:\n  duragent serve --port 9000\n  duragent serve status\n")
    .action(
      action<Flags>(async ({ config, verbosity }, flags) => {
        const ground = await context.ground();
        const server = await ground.serve({
          cwd: context.cwd,
          env: context.env,
          config,
          ...(flags.host === undefined ? {} : { host: flags.host }),
          ...(flags.port === undefined ? {} : { port: flags.port }),
          ...(flags.agentsDir === undefined ? {} : { agentsDir: flags.agentsDir }),
          ...(flags.adminToken === undefined ? {} : { adminToken: flags.adminToken }),
          ...(flags.ephemeral === undefined ? {} : { ephemeralSeconds: flags.ephemeral }),
          watch: flags.watch,
          socketOnly: flags.socketOnly === true,
          verbosity,
          print: (line) => void (verbosity < 0 || context.stdout.write(`${terminalText(line)}\n`)),
        });
        const code = await server.stopped;
        return code === 0 ? exitCodes.done : exitCodes.failed;
      }),
    );
  // How a command starts the server in the background: nobody else's way in is opened.
  command.addOption(command.createOption("--socket-only", "listen on the data directory's socket only").hideHelp());
}

function defineAsking(command: Command, { context, action }: Setup): void {
  const running = async (globals: GlobalFlags): Promise<ServerApi> => {
    // A server that starts is no client of another.
    const { openServerIfAny } = await import("../server/connect.ts");
    const server = await openServerIfAny(context, globals);
    if (server !== null) return server;
    throw new CommandFailure(exitCodes.unavailable, "no server is running for this data directory", {
      hint: "`duragent serve` starts one",
    });
  };

  command
    .command("status")
    .description("whether a server runs here, and how it is; exit 69 if none does")
    .addHelpText("after", "\nExample:\n  duragent serve status\n")
    .action(
      action(async (globals) => {
        const server = await running(globals);
        const health = await server.health();
        if (globals.json) context.stdout.write(`${terminalJson({ address: server.address, ...health })}\n`);
        else {
          const paint = paintFor(context.stdout, context.env);
          const { status, version, uptime_seconds: uptime, checks, ...more } = health;
          context.stdout.write(
            `${paint("bold", terminalLine(String(status)))} · ${server.address} · version ${terminalLine(String(version))} · up ${String(Math.round(Number(uptime ?? 0)))}s\n`,
          );
          const warning = sandboxWarning(health);
          if (warning !== null) context.stdout.write(`  ${paint("yellow", "warning")}: ${terminalText(warning)}\n`);
          for (const [key, value] of Object.entries({ ...more, ...checks }))
            context.stdout.write(
              `  ${terminalLine(key)}: ${terminalLine(typeof value === "string" ? value : JSON.stringify(value))}\n`,
            );
        }
        return exitCodes.done;
      }),
    );

  command
    .command("stop")
    .description("drain and stop the server of this data directory")
    .addHelpText("after", "\nExample:\n  duragent serve stop\n")
    .action(
      action(async (globals) => {
        const server = await running(globals);
        await server.shutdown();
        const { waitUntilGone } = await import("../server/connect.ts");
        await waitUntilGone(server);
        context.stdout.write(globals.json ? `${terminalJson({ stopped: true })}\n` : "Stopped.\n");
        return exitCodes.done;
      }),
    );

  command
    .command("reload")
    .description("read agents and configuration again")
    .addHelpText("after", "\nExample:\n  duragent serve reload\n")
    .action(
      action(async (globals) => {
        const agents = await (await running(globals)).reload();
        context.stdout.write(globals.json ? `${terminalJson({ agents })}\n` : `Read again: ${agents} agents.\n`);
        return exitCodes.done;
      }),
    );
}

export const define: Definition = (command, setup) => {
  defineServing(command, setup);
  defineAsking(command, setup);
};
