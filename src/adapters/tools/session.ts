import { z } from "zod";

import { sessionIdSchema } from "../../schema/ids.ts";
import type { ToolResult } from "../../schema/session-event.ts";
import { strictObject } from "../../schema/strict-object.ts";
import type { Tool, ToolContext } from "../../ports/tool.ts";
import { defineTool, errorResult, okResult } from "./define-tool.ts";
import type { ToolParts } from "./parts.ts";
import { notesBytesMax, readWorkingNotes, writeWorkingNotes } from "./working-notes.ts";

const listMax = 20;
const messageBytesMax = 32 * 1024;

const argumentsSchema = z.discriminatedUnion("action", [
  strictObject({
    action: z.literal("notes"),
    content: z.string().optional().describe("notes: the whole new text, empty to clear; without it they are read"),
  }),
  strictObject({ action: z.literal("list") }),
  strictObject({
    action: z.literal("send"),
    session_id: sessionIdSchema.describe("send: one of list"),
    content: z.string().min(1).describe("send: the message"),
  }),
]);
type Given = z.infer<typeof argumentsSchema>;

const description = `This session and its siblings. notes: your working notes for this session (a plan, what is done, what is next); they stay in your prompt from the next turn on, also when the conversation is cut. list: the other open sessions that you have, with their ids. send: leave a message in one of them; it is worked on there, and nothing comes back by itself.`;

type SessionToolParts = Pick<ToolParts, "agent" | "sessions" | "sessionsFolder">;

/** Notes of the session itself, and messages to other sessions of the same agent: no other agent's are ever seen. */
export function sessionTool({ agent, sessions, sessionsFolder }: SessionToolParts): Tool {
  async function perform(given: Given, context: ToolContext): Promise<ToolResult> {
    switch (given.action) {
      case "notes":
        return given.content === undefined
          ? okResult((await readWorkingNotes(sessionsFolder, context.sessionId)) ?? "There are no notes yet.")
          : write(given.content, context);
      case "list": {
        const siblings = await sessions.list(agent.name, listMax + 1);
        const others = siblings.filter(({ sessionId }) => sessionId !== context.sessionId).slice(0, listMax);
        if (others.length === 0) return okResult("You have no other open session.");
        return okResult(
          others
            .map(({ sessionId, status, activity, title, updatedAt }) => {
              const about = title === undefined ? "" : `: ${title.replaceAll(/\s+/g, " ")}`;
              return `- ${sessionId} (${status}, ${activity}, last used ${updatedAt})${about}`;
            })
            .join("\n"),
        );
      }
      case "send": {
        if (given.session_id === context.sessionId)
          return errorResult("That is this session itself: answer here, or keep it with notes.");
        const bytes = Buffer.byteLength(given.content);
        if (bytes > messageBytesMax)
          return errorResult(`content has ${bytes} bytes; at most ${messageBytesMax} can be sent: shorten it.`);
        await sessions.send(given.session_id, {
          agent: agent.name,
          from: context.sessionId,
          content: given.content,
          idempotencyKey: context.idempotencyKey,
        });
        return okResult(`Sent to ${given.session_id}.`);
      }
    }
  }

  async function write(content: string, { sessionId }: ToolContext): Promise<ToolResult> {
    const notes = content.toWellFormed().replaceAll("\0", "\uFFFD").trim();
    const bytes = Buffer.byteLength(notes);
    if (bytes > notesBytesMax)
      return errorResult(`The notes have ${bytes} bytes; at most ${notesBytesMax} can be kept: shorten them.`);
    await writeWorkingNotes(sessionsFolder, sessionId, notes);
    return okResult(notes === "" ? "The notes were cleared." : "The notes were replaced.");
  }

  return defineTool({
    name: "session",
    description,
    arguments: argumentsSchema,
    effect: "idempotent",
    effectOf: (given) =>
      given.action === "list" || (given.action === "notes" && given.content === undefined) ? "pure" : "idempotent",
    run: perform,
  });
}
