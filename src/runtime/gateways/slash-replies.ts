import type { SlashCommand } from "../../domain/gateways/slash-command.ts";
import type { SessionId } from "../../schema/ids.ts";
import { DuragentError } from "../../schema/problem.ts";
import type { LoadedAgent } from "../agents/catalog-types.ts";
import type { SessionView } from "../runtime.ts";
import { replyTo, type Incoming, type WayIn } from "./incoming.ts";
import { isPassing } from "./until-taken.ts";

/** The chat's open session, if there is one. */
type Place = { readonly agent: LoadedAgent; readonly open: SessionId | undefined };
/** `inLog`: an event records the command. */
type Obeyed = { content: string; inLog?: true };

const help = [
  "/status – what the agent is doing",
  "/cancel – stop what it is doing",
  "/reset – end this conversation; the next message starts a new one",
  "/agents – the agents there are",
  "/help – this list",
].join("\n");

/**
 * Does it, durably, and then says so. `unsaid`: the gateway is gone, and may deliver the message once more. `rate_limited`:
 * too many commands of the chat were answered in this minute.
 */
export async function obey(
  command: SlashCommand,
  message: Incoming,
  agent: LoadedAgent,
  way: WayIn,
): Promise<{ outcome: "command" | "unsaid" | "rate_limited"; inLog?: true }> {
  const place = { agent, open: way.parts.chats.open(message.chat, agent.name) };
  const { content, inLog } = await obeyed(command, message, place, way);
  if (!way.replies.mayAnswer(message.chat)) return inLog ? { outcome: "command", inLog } : { outcome: "rate_limited" };
  const said = await way.replies.say(replyTo(message, command, content));
  if (said === "unsaid" && !inLog) return { outcome: "unsaid" };
  return { outcome: "command", ...(inLog ? { inLog } : {}) };
}

async function obeyed(command: SlashCommand, message: Incoming, place: Place, way: WayIn): Promise<Obeyed> {
  switch (command) {
    case "help":
      return { content: help };
    case "agents":
      return { content: agentsText(place.agent.name, way) };
    case "status":
      return { content: await statusText(place, way) };
    case "reset":
      return (
        (await controlled("end", message, place, way)) ?? {
          content: "There is no conversation to end: your next message starts one.",
        }
      );
    case "cancel":
      return (
        (await controlled("cancel", message, place, way)) ?? { content: "Nothing is going on that could be cancelled." }
      );
  }
}

const said = { end: "Started anew: your next message begins a new conversation.", cancel: "Cancelled." };

/** Nothing: there is no session, or nothing in it that could be ended. */
async function controlled(
  action: "end" | "cancel",
  message: Incoming,
  { open }: Place,
  { parts }: WayIn,
): Promise<Obeyed | undefined> {
  if (open === undefined) return undefined;
  try {
    const asked = {
      action,
      by: message.senderId,
      reason: `asked for in the chat`,
      attached: true,
      idempotencyKey: message.key,
    };
    await parts.sessions.control(open, asked);
    return { content: said[action], inLog: true };
  } catch (error) {
    if (!(error instanceof DuragentError)) throw error;
    if (error.code === "session-ended" || error.code === "session-not-found" || error.code === "conflict")
      return undefined;
    if (isPassing(error)) throw error;
    return {
      content: `That did not work (${error.code}). Whoever runs this bot finds out more with \`duragent doctor\`.`,
    };
  }
}

function agentsText(answering: string, { parts }: WayIn): string {
  const lines = parts.catalog.list().map(({ name, description }) => {
    const here = name === answering ? " (answers here)" : "";
    return `- ${name}${here}${description === undefined ? "" : `: ${description}`}`;
  });
  return lines.join("\n");
}

async function statusText({ agent, open }: Place, { parts }: WayIn): Promise<string> {
  const session = open === undefined ? undefined : await viewOf(open, parts);
  if (!session) return `Agent: ${agent.name}\nNo conversation is open: your next message starts one.`;
  const { usage, status, activity, sessionId } = session;
  const cost = usage.cost_usd === undefined ? "" : `, $${usage.cost_usd.toFixed(4)}`;
  const lines = [
    `Agent: ${session.agent}`,
    `Session: ${sessionId}`,
    `Status: ${status}, ${activity.replaceAll("_", " ")}`,
    `Used: ${usage.total_tokens} tokens${cost}`,
    ...waits(session).map((what) => `Waits for: ${what}`),
  ];
  return lines.join("\n");
}

async function viewOf(id: SessionId, { sessions }: WayIn["parts"]): Promise<SessionView | undefined> {
  try {
    return await sessions.get(id);
  } catch (error) {
    if (error instanceof DuragentError && (error.code === "session-not-found" || error.code === "session-ended"))
      return undefined;
    throw error;
  }
}

function waits({ pendingApprovals, waitingFor }: SessionView): string[] {
  const [question] = pendingApprovals;
  if (question) return [`an answer whether ${question.toolName} may run`];
  return waitingFor === undefined ? [] : [waitingFor.replaceAll("_", " ")];
}
