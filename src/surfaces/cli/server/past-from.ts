import { CommandFailure, exitCodes } from "../exit.ts";
import type { CommandContext } from "../context.ts";
import type { ServerApi, ShownSession } from "./api.ts";

/** Enough to know what one was talking about; /history shows the rest. */
const messagesShownMax = 20;
const eventsAfterQuestionMax = 500;

/**
 * The event after which the shown past of a session begins: its newest messages at a terminal, and nothing over a pipe,
 * where only the answers to what comes are wanted, but for
 * a question that waits for one. Throws for a session that has ended.
 */
export async function pastFrom(
  context: Pick<CommandContext, "stdin" | "stdout">,
  server: ServerApi,
  session: ShownSession,
): Promise<number> {
  if (session.status === "ended") {
    throw new CommandFailure(exitCodes.failed, `${session.session_id} has ended`, {
      hint: `go on from it: duragent session fork ${session.session_id}`,
    });
  }
  if (context.stdin.isTTY !== true || context.stdout.isTTY !== true)
    return session.activity === "awaiting_approval" ? beforeQuestion(server, session) : session.last_seq;
  const [oldest] = await server.messages(session.session_id, messagesShownMax);
  return oldest === undefined ? 0 : oldest.seq - 1;
}

/** What comes after a question, while it waits, is little. */
async function beforeQuestion(server: ServerApi, { session_id: id, last_seq: last }: ShownSession): Promise<number> {
  const { events } = await server.events(id, Math.max(0, last - eventsAfterQuestionMax), eventsAfterQuestionMax);
  const question = events.findLast((event) => event.type === "approval_required");
  return question === undefined ? last : question.seq - 1;
}
