import { createWriteStream } from "node:fs";
import { resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { Option, type Command } from "commander";

import { terminalJson, terminalText } from "../../../domain/terminal-text.ts";
import type { SessionStatus } from "../../../schema/session-event.ts";
import { CommandFailure, exitCodes } from "../exit.ts";
import { eventLine } from "../output/event-line.ts";
import { sessionFacts } from "../output/session-facts.ts";
import { writeSessions } from "../output/session-table.ts";
import { paintFor } from "../paint.ts";
import type { Definition, Setup } from "../program.ts";
import { openServer } from "../server/connect.ts";
import { recentSessions } from "../server/recent-sessions.ts";
import { sessionNamed } from "../server/session-named.ts";
import { defineMending } from "./session-mending.ts";
import { wholeNumber } from "../whole-number.ts";

type ListFlags = { status?: SessionStatus; agent?: string; limit: number };
type TailFlags = { lines: number; follow?: boolean };

function defineReading(command: Command, { context, action }: Setup): void {
  const paint = paintFor(context.stdout, context.env);
  const print = (text: string): void => void context.stdout.write(text);

  command
    .command("list")
    .description("the sessions that were used last; ended ones only with --status ended")
    .addOption(new Option("--status <status>", "only these").choices(["active", "running", "paused", "ended"]))
    .option("--agent <name>", "only of this agent")
    .option("--limit <n>", "at most so many", wholeNumber(1, 1000), 50)
    .addHelpText("after", "\nExample:\n  duragent session list --agent demo\n")
    .action(
      action<ListFlags>(async (globals, { status, agent, limit }) => {
        const sessions = await recentSessions(await openServer(context, globals), { status, agent, limit });
        if (globals.json) print(`${terminalJson({ sessions })}\n`);
        else writeSessions(context, sessions);
        return exitCodes.done;
      }),
    );

  command
    .command("show")
    .description("all about one session")
    .argument("<session>", "its id, or how it ends")
    .addHelpText("after", "\nExample:\n  duragent session show session_01KADQ8K3T9V6Z2M4N5P7R8S9T\n")
    .action(
      action(async (globals, _flags, id = "") => {
        const server = await openServer(context, globals);
        const session = await server.session(await sessionNamed(server, id));
        if (globals.json) print(`${terminalJson(session, 2)}\n`);
        else {
          print(sessionFacts(session));
        }
        return exitCodes.done;
      }),
    );

  command
    .command("tail")
    .description("the last events of a session's log")
    .argument("<session>", "its id, or how it ends")
    .option("-n, --lines <n>", "so many", wholeNumber(0, 100_000), 20)
    .option("-f, --follow", "go on with what comes (without attaching)")
    .addHelpText("after", "\nExample:\n  duragent session tail -f 8S9T\n")
    .action(
      action<TailFlags>(async (globals, { lines, follow }, id = "") => {
        const server = await openServer(context, globals);
        const sessionId = await sessionNamed(server, id);
        const show = (event: Parameters<typeof eventLine>[0]): void =>
          print(globals.json ? `${terminalJson(event)}\n` : `${eventLine(event, paint)}\n`);
        const { last_seq: last } = await server.events(sessionId, 0, 1);
        let after = Math.max(0, last - lines);
        while (after < last) {
          const { events } = await server.events(sessionId, after, Math.min(500, last - after));
          for (const event of events) show(event);
          const newest = events.at(-1)?.seq;
          if (newest === undefined) break;
          after = newest;
        }
        if (follow !== true) return exitCodes.done;
        const leaving = new AbortController();
        const release = context.onInterrupt(() => leaving.abort());
        for await (const item of server.link(sessionId).items({ after, attach: false, signal: leaving.signal })) {
          if (item.kind === "event") show(item.event);
          else if (item.kind === "stopped") context.stderr.write("(the server was stopped; waiting for it)\n");
          else if (item.kind === "lost")
            context.stderr.write(`(connection lost: ${terminalText(item.reason)}; trying again)\n`);
        }
        release();
        return leaving.signal.aborted ? exitCodes.interrupted : exitCodes.done;
      }),
    );

  command
    .command("export")
    .description("the log as JSON lines, or the conversation as Markdown")
    .argument("<session>", "its id, or how it ends")
    .addOption(new Option("--format <format>", "what to write").choices(["jsonl", "markdown"]).default("jsonl"))
    .option("-o, --output <file>", "into this new file, instead of stdout")
    .addHelpText("after", "\nExample:\n  duragent session export 8S9T --format markdown -o story.md\n")
    .action(
      action<{ format: "jsonl" | "markdown"; output?: string }>(async (globals, { format, output }, id = "") => {
        const server = await openServer(context, globals);
        const sessionId = await sessionNamed(server, id);
        if (output !== undefined) {
          await pipeline(
            Readable.from(server.export(sessionId, format)),
            createWriteStream(resolve(context.cwd, output), { flags: "wx", mode: 0o600 }),
          );
        } else {
          // A terminal gets text that it does not obey; a pipe gets the bytes as they are.
          const decoder = new TextDecoder();
          for await (const chunk of server.export(sessionId, format)) {
            if (context.stdout.isTTY === true) print(terminalText(decoder.decode(chunk, { stream: true })));
            else context.stdout.write(chunk);
          }
        }
        return exitCodes.done;
      }),
    );
}

function defineChanging(command: Command, { context, action }: Setup): void {
  const say = (json: boolean, value: unknown, text: string): void =>
    void context.stdout.write(json ? `${terminalJson(value)}\n` : `${text}\n`);

  command
    .command("end")
    .description("end a session for good; everything is kept")
    .argument("<session>", "its id, or how it ends")
    .addHelpText("after", "\nExample:\n  duragent session end 8S9T\n")
    .action(
      action(async (globals, _flags, id = "") => {
        const server = await openServer(context, globals);
        const session = await server.end(await sessionNamed(server, id));
        say(globals.json, session, `Ended ${session.session_id}.`);
        return exitCodes.done;
      }),
    );

  command
    .command("delete")
    .description("remove a session with its log; nothing brings it back")
    .argument("<session>", "its id, or how it ends")
    .option("-y, --yes", "do not ask")
    .addHelpText("after", "\nExample:\n  duragent session delete 8S9T\n")
    .action(
      action<{ yes?: boolean }>(async (globals, { yes }, id = "") => {
        const server = await openServer(context, globals);
        const sessionId = await sessionNamed(server, id);
        if (yes !== true && context.stdin.isTTY === true && context.stdout.isTTY === true) {
          const { confirm } = await import("@clack/prompts");
          const sure = await confirm({ message: `Remove ${sessionId} and its log?`, initialValue: false });
          if (sure !== true) throw new CommandFailure(exitCodes.interrupted, "nothing was removed");
        }
        await server.delete(sessionId);
        say(globals.json, { session_id: sessionId, deleted: true }, `Deleted ${sessionId}.`);
        return exitCodes.done;
      }),
    );

  command
    .command("fork")
    .description("a new session with the same conversation")
    .argument("<session>", "its id, or how it ends")
    .option("--at <seq>", "only up to this event (down to the end of a turn)", wholeNumber(1))
    .addHelpText("after", "\nExample:\n  duragent session fork 8S9T --at 42\n")
    .action(
      action<{ at?: number }>(async (globals, { at }, id = "") => {
        const server = await openServer(context, globals);
        const session = await server.fork(await sessionNamed(server, id), at);
        say(globals.json, session, `${session.session_id}\nGo on there: duragent attach ${session.session_id}`);
        return exitCodes.done;
      }),
    );
}

export const define: Definition = (command, setup) => {
  defineReading(command, setup);
  defineChanging(command, setup);
  defineMending(command, setup);
};
