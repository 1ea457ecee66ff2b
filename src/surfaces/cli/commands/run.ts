import { randomUUID } from "node:crypto";

import { Option } from "commander";

import { terminalCommand, terminalJson, terminalLine } from "../../../domain/terminal-text.ts";
import { DuragentError } from "../../../schema/problem.ts";
import type { ApprovalChoice } from "../../../schema/session-event.ts";
import { comeBack } from "../conversation/converse.ts";
import { CommandFailure, exitCodes, type ExitCode } from "../exit.ts";
import { readAll } from "../input/read-all.ts";
import { createTranscript, type PendingQuestion } from "../output/transcript.ts";
import { paintFor } from "../paint.ts";
import type { Definition } from "../program.ts";
import { missingAgent } from "../server/missing-agent.ts";
import { openServer } from "../server/connect.ts";

type Flags = { agent: string; detach?: boolean; approve?: "all" | "none" | "ask" };

/** Why a question was denied, for people and the model. */
const nobody = "there is no terminal to ask on";
const told = "whoever started the run allows nothing that must be asked about";

export const define: Definition = (command, { context, action }) => {
  command
    .requiredOption("-a, --agent <name>", "which agent")
    .argument("[prompt]", "what to do; what comes on stdin is appended")
    .option("--detach", "print the session's id and leave it working")
    .addOption(
      new Option(
        "--approve <whom>",
        "questions about tools: allow all, deny all, or ask you (default: ask at a terminal, else none)",
      ).choices(["all", "none", "ask"]),
    )
    .addHelpText(
      "after",
      "\nExit code: 0 when the turn completed, also with calls that were denied; 1 when it failed, was cancelled or reached a limit.\n" +
        '\nExamples:\n  duragent run -a demo "tell me a story"\n  git diff | duragent run -a reviewer "Review this change"\n',
    )
    .action(
      action<Flags>(async (globals, { agent, detach, approve: wanted }, prompt = "") => {
        const piped = context.stdin.isTTY === true ? "" : await readAll(context.stdin);
        const content = [prompt, piped].filter((part) => part.trim() !== "").join("\n\n");
        if (content === "")
          throw new CommandFailure(exitCodes.usage, "there is nothing to do", {
            hint: `duragent run -a ${agent} "PROMPT"`,
          });
        const person = context.stdin.isTTY === true && context.stderr.isTTY === true;
        if (wanted === "ask" && !person)
          throw new CommandFailure(exitCodes.usage, "--approve ask needs a terminal", { hint: "choose all or none" });
        if (detach === true && wanted !== undefined)
          throw new CommandFailure(exitCodes.usage, "--approve answers while it waits, and --detach does not wait", {
            hint: "leave one of them out; the questions of a detached run wait for `duragent attach`, or allow it in policy.yaml",
          });
        const approve = wanted ?? (person ? "ask" : "none");

        const server = await openServer(context, globals, { makesWorkspace: true });
        const { session_id: sessionId } = await server.createSession(agent).catch(async (error: unknown) => {
          const isMissing = error instanceof DuragentError && error.code === "agent-not-found";
          throw isMissing ? await missingAgent({ context, globals, server }, agent) : error;
        });
        if (detach === true) {
          await server.post(sessionId, content);
          context.stdout.write(globals.json ? `${terminalJson({ session_id: sessionId })}\n` : `${sessionId}\n`);
          return exitCodes.done;
        }

        const leaving = new AbortController();
        const link = server.link(sessionId);
        const quiet = globals.verbosity < 0;
        const transcript = createTranscript(
          {
            said: (text) => void (globals.json || context.stdout.write(text)),
            noted: (text) => void (globals.json || quiet || context.stderr.write(text)),
          },
          { paint: paintFor(context.stderr, context.env), isOwn: () => true, asks: false },
        );
        let exitCode: ExitCode = exitCodes.failed;
        const end = (code: ExitCode): void => {
          exitCode = code;
          leaving.abort();
        };
        let interruptions = 0;
        const release = context.onInterrupt(() => {
          interruptions += 1;
          // The end of the turn comes on the stream; who will not wait for it presses again.
          if (interruptions === 1) link.cancel().catch(() => end(exitCodes.interrupted));
          else end(exitCodes.interrupted);
        });
        let isTold = false;
        const tellOfNobody = (): void => {
          if (!isTold && !quiet) context.stderr.write(`denied: ${nobody}; use --approve all or a policy\n`);
          isTold = true;
        };
        const decide = async (): Promise<void> => {
          const { question } = transcript;
          if (question === null) return;
          const decision = approve === "all" ? "allow_once" : approve === "none" ? "deny" : await askPerson(question);
          if (wanted === undefined && !person) tellOfNobody();
          const reason = decision === "deny" && approve === "none" ? (wanted === undefined ? nobody : told) : undefined;
          const { notKept } = await link.decide(question, decision, reason);
          if (notKept !== undefined) transcript.note(`(allowed this once only: ${notKept})`, "yellow");
        };
        const askPerson = async ({ toolName, command, always }: PendingQuestion): Promise<ApprovalChoice> => {
          const prompts = await import("@clack/prompts");
          const answer = await prompts.select({
            // Whole, also where nothing else is shown.
            message: `Allow ${terminalLine(toolName)} to run: ${terminalCommand(command)}`,
            output: context.stderr,
            options: [
              { value: "allow_once", label: "once" } as const,
              ...(always?.length === 0
                ? []
                : [
                    {
                      value: "allow_always",
                      label: terminalLine(`always${always ? `: ${always.join(", ")}` : ""}`),
                    } as const,
                  ]),
              { value: "deny", label: "no" } as const,
            ],
          });
          return prompts.isCancel(answer) ? "deny" : answer;
        };

        const sending = link.send(content, randomUUID(), leaving.signal).catch((error: unknown) => {
          leaving.abort(error);
        });
        for await (const item of link.items({ after: 0, attach: true, signal: leaving.signal })) {
          if (item.kind === "event") {
            const { event } = item;
            if (globals.json) context.stdout.write(`${terminalJson(event)}\n`);
            transcript.show(event, item.always);
            if (event.type === "approval_required") decide().catch((error: unknown) => leaving.abort(error));
            if (event.type === "turn_end") {
              end(
                interruptions > 0
                  ? exitCodes.interrupted
                  : event.outcome === "completed"
                    ? exitCodes.done
                    : exitCodes.failed,
              );
              break;
            }
            if (event.type === "session_end") break;
          } else if (item.kind === "token") transcript.token(item);
          else if (item.kind === "token_reset") transcript.tokenReset();
          else if (item.kind === "activity") transcript.activity(item);
          // Nobody but us would start that one again, and who stopped it does not want us to.
          else if (item.kind === "stopped" && item.mayStart)
            leaving.abort(
              new CommandFailure(exitCodes.unavailable, "the server was stopped before the turn had ended", {
                hint: `the turn goes on when a server runs: ${comeBack(globals, sessionId)}`,
              }),
            );
          else if (item.kind === "stopped") transcript.note("(the server was stopped; waiting for it)", "yellow");
          else if (item.kind === "lost") transcript.note(`(connection lost: ${item.reason}; trying again)`, "yellow");
        }
        transcript.endLine();
        release();
        const reason: unknown = leaving.signal.reason;
        leaving.abort();
        await sending;
        if (reason instanceof Error && reason.name !== "AbortError") throw reason;
        if (!quiet && context.stderr.isTTY === true) context.stderr.write(`${comeBack(globals, sessionId)}\n`);
        return exitCode;
      }),
    );
};
