import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";

import { terminalLine } from "../../../domain/terminal-text.ts";
import type { CommandContext, GlobalFlags } from "../context.ts";
import { exitCodes, type ExitCode } from "../exit.ts";
import { splitLines } from "../input/split-lines.ts";
import { age } from "../output/duration.ts";
import { memoryLines } from "../output/memory-lines.ts";
import { agentWarning } from "../output/agent-errors.ts";
import { sandboxWarning } from "../output/sandbox-warning.ts";
import { shownStatus } from "../output/session-table.ts";
import { paintFor, type Paint } from "../paint.ts";
import type { ServerApi, ShownSession } from "../server/api.ts";
import { recentSessions } from "../server/recent-sessions.ts";
import { startConversation, type Conversation, type ConversationOptions } from "./conversation.ts";
import { createLineEditor, type LineEditor } from "./line-editor.ts";

export type Converse = {
  context: CommandContext;
  globals: GlobalFlags;
  server: ServerApi;
  session: ShownSession;
  /** Where the shown past begins. */
  after: number;
  /** Only watch: nothing is sent, nobody is attached. */
  readOnly: boolean;
  announceLive: boolean;
};

const memoriesShownMax = 20;
/** What is printed as a note is painted as one. */
const plain: Paint = (_style, text) => text;

/** How to come back to this session from the same place. */
export const comeBack = (globals: GlobalFlags, sessionId: string): string =>
  `duragent attach ${sessionId}${whereOf(globals)}`;

/** What a command needs to speak of the same place. */
function whereOf(globals: GlobalFlags): string {
  const server = globals.server === undefined ? "" : ` --server ${globals.server}`;
  const config = globals.config === undefined || globals.server !== undefined ? "" : ` --config ${globals.config}`;
  return `${server}${config}`;
}

function slashOf({ context, globals, server, session }: Converse, clear: () => void): ConversationOptions["slash"] {
  const id = session.session_id;
  return {
    history: async () =>
      (await server.messages(id)).map(({ role, content }) => `${role === "user" ? "> " : ""}${content}`).join("\n"),
    status: async () => {
      const now = await server.session(id);
      const { total_tokens: tokens, cost_usd: cost } = now.usage;
      const money = cost === undefined ? "" : ` · $${cost.toFixed(4)}`;
      const warning = sandboxWarning(await server.health());
      const unheld = warning === null ? "" : `\nwarning: ${warning}`;
      return `${now.agent} · ${id} · ${now.status}, ${now.activity} · ${now.attached_clients ?? 0} attached · ${tokens} tokens${money} · ${globals.server ?? "the local server"}${unheld}`;
    },
    memory: async (words) =>
      memoryLines(await server.memories(session.agent, { q: words, limit: memoriesShownMax }), plain),
    clear,
    exportTo: async (path) => {
      const target = resolve(context.cwd, path ?? `${id}.md`);
      await writeFile(target, server.export(id, "markdown"), { flag: "wx", mode: 0o600 });
      return target;
    },
    agents: async () =>
      (await server.agents())
        .map(({ name, description }) => (description === undefined ? name : `${name}  ${description}`))
        .join("\n"),
    sessions: async () =>
      (await recentSessions(server, { limit: 20 }))
        .map(
          (one) =>
            `${one.session_id}  ${shownStatus(one)}  ${age(one.updated_at, Date.now())}  ${terminalLine(one.title ?? "", 60)}`,
        )
        .join("\n"),
  };
}

/** A person at a terminal, in plain lines. */
async function atTerminal(converse: Converse): Promise<ExitCode> {
  const { context, server, session, readOnly } = converse;
  const paint = paintFor(context.stdout, context.env);
  let editor: LineEditor | null = null;
  const write = (text: string): void => {
    if (editor === null) context.stdout.write(text);
    else editor.write(text);
  };
  const conversation: Conversation = startConversation({
    link: server.link(session.session_id),
    sink: { said: write, noted: write },
    paint,
    after: converse.after,
    attach: !readOnly,
    announceLive: converse.announceLive,
    slash: slashOf(converse, () => context.stdout.write("\u001b[2J\u001b[3J\u001b[H")),
  });
  if (readOnly) {
    context.stdin.resume();
    context.stdin.once("end", () => conversation.leave(exitCodes.done));
  } else {
    editor = createLineEditor(context.stdin, context.stdout, {
      onMessage: (text, visible) => void conversation.line(text, visible),
      onInterrupt: () => conversation.interrupt(),
      onEnd: () => conversation.leave(exitCodes.done),
    });
    editor.prompt();
  }
  const release = context.onInterrupt(() => conversation.leave(exitCodes.interrupted));
  const code = await conversation.over;
  release();
  editor?.close();
  context.stdin.pause();
  return code;
}

/** Lines of stdin are messages, one after the other; answers go to stdout, all else to stderr. */
async function overPipe(converse: Converse): Promise<ExitCode> {
  const { context, server, session, readOnly } = converse;
  const conversation = startConversation({
    link: server.link(session.session_id),
    sink: { said: (text) => void context.stdout.write(text), noted: (text) => void context.stderr.write(text) },
    paint: paintFor(context.stderr, context.env),
    after: converse.after,
    attach: !readOnly,
    announceLive: false,
    slash: slashOf(converse, () => undefined),
  });
  const release = context.onInterrupt(() => conversation.interrupt());
  const feed = async (): Promise<void> => {
    // A line may be the answer to a question that the stream is still to bring.
    await conversation.caughtUp;
    for await (const line of splitLines(context.stdin)) {
      if (line.kind === "too_long")
        context.stderr.write(`error: a line above ${line.bytesMax} bytes is no message; it was left out\n`);
      else if (line.text.trim() !== "") await conversation.line(line.text, true);
    }
    const unanswered = conversation.question !== null;
    if (unanswered)
      context.stderr.write(
        `error: a question is waiting for an answer\nhint: ${comeBack(converse.globals, session.session_id)}\n`,
      );
    conversation.leave(unanswered ? exitCodes.failed : exitCodes.done);
  };
  let isOver = false;
  if (!readOnly)
    feed().catch((error: unknown) => {
      // Reading breaks off when we let go of stdin ourselves.
      if (isOver) return;
      context.stderr.write(`error: stdin can not be read: ${error instanceof Error ? error.message : String(error)}\n`);
      conversation.leave(exitCodes.failed);
    });
  const code = await conversation.over;
  isOver = true;
  release();
  // Whatever still comes on stdin is not for us.
  context.stdin.destroy();
  // Also where the session ended before stdin did.
  return code === exitCodes.done && !readOnly && conversation.lastTurnFailed ? exitCodes.failed : code;
}

/** Holds the conversation until it is left, and says how to come back. */
export async function converse(options: Converse): Promise<ExitCode> {
  const { context, globals, server, session } = options;
  const terminal = context.stdin.isTTY === true && context.stdout.isTTY === true;
  const paint = paintFor(terminal ? context.stdout : context.stderr, context.env);
  const aside = terminal ? context.stdout : context.stderr;
  const talkative = globals.verbosity >= 0 && (terminal || globals.verbosity > 0);
  if (talkative)
    aside.write(
      `${paint("dim", `${session.agent} · ${session.session_id}${terminal && !options.readOnly ? " · /help, ctrl-d leaves" : ""}`)}\n`,
    );
  if (talkative) {
    // A server that can not say it is no reason not to talk to it.
    const health = await server.health().catch(() => ({}));
    for (const warning of [sandboxWarning(health), agentWarning(health, session.agent)])
      if (warning !== null) aside.write(`${paint("dim", `warning: ${terminalLine(warning)}`)}\n`);
  }
  const code = await (terminal ? atTerminal(options) : overPipe(options));
  // Who pressed ctrl-c once more than needed still wants to read how to come back.
  const release = context.onInterrupt(() => undefined);
  if (talkative) {
    const now = await server.session(session.session_id).catch(() => null);
    if (now?.status === "ended")
      aside.write(
        `${paint("dim", "Start a new one with:")} duragent chat -a ${session.agent}${whereOf(globals)}\n${paint("dim", "Read this one with:")} duragent session export ${session.session_id} --format markdown${whereOf(globals)}\n`,
      );
    else aside.write(`${paint("dim", "Left. Come back with:")} ${comeBack(globals, session.session_id)}\n`);
  }
  release();
  return code;
}
