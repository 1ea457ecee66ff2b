import { terminalJson, terminalLine } from "../../../domain/terminal-text.ts";
import { CommandFailure, exitCodes } from "../exit.ts";
import type { GlobalFlags } from "../context.ts";
import { gatewayHeading, gatewayRow, hasWorked, trialLines } from "../output/gateway-lines.ts";
import { writeTable } from "../output/table.ts";
import type { Definition, Setup } from "../program.ts";
import { openServerIfAny } from "../server/connect.ts";

type TestFlags = { chat?: string; text?: string };

/** `duragent gateway`. */
export const define: Definition = (command, setup) => {
  defineList(command, setup);
  defineRestart(command, setup);
  defineTest(command, setup);
};

function whereOf({ context }: Setup, globals: GlobalFlags) {
  return { cwd: context.cwd, env: context.env, config: globals.config };
}

const defineList: Definition = (command, setup) => {
  const { context, action } = setup;
  command
    .command("list")
    .description("the chat gateways of duragent.yaml and how they are")
    .addHelpText("after", "\nExample:\n  duragent gateway list\n")
    .action(
      action(async (globals) => {
        const server = await openServerIfAny(context, globals);
        const gateways = await (server?.gateways() ?? (await context.ground()).gateways(whereOf(setup, globals)));
        if (globals.json) context.stdout.write(`${terminalJson({ gateways })}\n`);
        else if (gateways.length === 0)
          context.stdout.write("There are no gateways: docs/gateways.md says how to join a chat platform.\n");
        else {
          writeTable(context.stdout, context.env, { heading: gatewayHeading, rows: gateways.map(gatewayRow) });
          if (server === null && globals.verbosity >= 0)
            context.stderr.write("(no server runs here: `duragent serve` starts them)\n");
        }
        return exitCodes.done;
      }),
    );
};

const defineRestart: Definition = (command, { context, action }) => {
  command
    .command("restart")
    .description("end a gateway's program, if it runs, and start it anew")
    .argument("<name>", "of the gateway in duragent.yaml")
    .addHelpText("after", "\nExample:\n  duragent gateway restart telegram\n")
    .action(
      action(async (globals, _flags, name) => {
        const server = await openServerIfAny(context, globals);
        if (server === null)
          throw new CommandFailure(exitCodes.unavailable, "no server runs here, so no gateway does", {
            hint: "`duragent serve` starts both",
          });
        const gateway = await server.restartGateway(name ?? "");
        if (globals.json) context.stdout.write(`${terminalJson(gateway)}\n`);
        else context.stdout.write(`${terminalLine(gateway.name)} is ${gateway.state}\n`);
        if (gateway.state === "off") throw startsNone();
        return gateway.state === "failed" ? exitCodes.failed : exitCodes.done;
      }),
    );
};

const defineTest: Definition = (command, setup) => {
  const { context, action } = setup;
  command
    .command("test")
    .description("ask a gateway whether it reaches its platform; without a server its program is started for it")
    .argument("<name>", "of the gateway in duragent.yaml")
    .option("--chat <id>", "also send a message to this chat, as the platform names it")
    .option("--text <text>", "what to send there")
    .addHelpText("after", "\nExample:\n  duragent gateway test telegram --chat 123456789\n")
    .action(
      action<TestFlags>(async (globals, { chat, text }, name = "") => {
        if (text !== undefined && chat === undefined)
          throw new CommandFailure(exitCodes.usage, "--text needs --chat: where is it to be sent?");
        const message = {
          ...(chat === undefined ? {} : { chat_id: chat }),
          ...(text === undefined ? {} : { text }),
        };
        const server = await openServerIfAny(context, globals);
        const trial = await (server?.testGateway(name, message) ??
          (await context.ground()).testGateway(whereOf(setup, globals), name, message));
        context.stdout.write(globals.json ? `${terminalJson(trial)}\n` : `${trialLines(trial).join("\n")}\n`);
        if (trial.gateway.state === "off") throw startsNone();
        return hasWorked(trial) ? exitCodes.done : exitCodes.failed;
      }),
    );
};

const startsNone = (): CommandFailure =>
  new CommandFailure(exitCodes.unavailable, "the server that runs here was started by a command, and joins no chats", {
    hint: "`duragent serve stop`, then `duragent serve`",
  });
