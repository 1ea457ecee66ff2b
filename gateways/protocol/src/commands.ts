import { z } from "zod";

import { commandSchemas, type Command } from "./messages.ts";

/** `unknown`: of a newer core, to be ignored. `bad`: what is wrong, and whom to tell if somebody waits for an answer. */
export type ReadCommand =
  | { readonly kind: "command"; readonly command: Command }
  | { readonly kind: "unknown" }
  | { readonly kind: "bad"; readonly problem: string; readonly requestId?: string };

const tagged = z.object({ type: z.string(), request_id: z.string().optional().catch(undefined) });

const commandSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("initialize"), ...commandSchemas.initialize.shape }),
  z.object({ type: z.literal("send_message"), ...commandSchemas.send_message.shape }),
  z.object({ type: z.literal("edit_message"), ...commandSchemas.edit_message.shape }),
  z.object({ type: z.literal("delete_message"), ...commandSchemas.delete_message.shape }),
  z.object({ type: z.literal("send_media"), ...commandSchemas.send_media.shape }),
  z.object({ type: z.literal("send_typing"), ...commandSchemas.send_typing.shape }),
  z.object({ type: z.literal("answer_callback_query"), ...commandSchemas.answer_callback_query.shape }),
  z.object({ type: z.literal("ping"), ...commandSchemas.ping.shape }),
  z.object({ type: z.literal("ack"), ...commandSchemas.ack.shape }),
  z.object({ type: z.literal("shutdown"), ...commandSchemas.shutdown.shape }),
]);

/** One line of stdin. What is wrong with it is told without quoting it: a line may hold a token. */
export function readCommand(line: string): ReadCommand {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // Its message quotes the line.
    return { kind: "bad", problem: "it is no JSON" };
  }
  const tag = tagged.safeParse(value);
  if (!tag.success) return { kind: "bad", problem: 'it is no object with a "type"' };
  const { type, request_id } = tag.data;
  if (!Object.hasOwn(commandSchemas, type)) return { kind: "unknown" };
  const parsed = commandSchema.safeParse(value);
  if (parsed.success) return { kind: "command", command: parsed.data };
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  return {
    kind: "bad",
    problem: `${type}: ${problems.join("; ")}`,
    ...(request_id !== undefined && { requestId: request_id }),
  };
}
