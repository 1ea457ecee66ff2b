import { z } from "zod";

import type { FileSystem } from "../../../../ports/file-system.ts";
import type { StoredEvent } from "../../../../schema/session-event-read.ts";
import { isMissing } from "../../../error-code.ts";

const messageSchema = z.looseObject({
  role: z.string(),
  content: z.string().nullish(),
  tool_calls: z
    .array(z.looseObject({ id: z.string(), function: z.looseObject({ name: z.string(), arguments: z.string() }) }))
    .nullish(),
  tool_call_id: z.string().nullish(),
});
type Message = z.infer<typeof messageSchema>;

const stateSchema = z.looseObject({
  schema_version: z.string(),
  agent: z.string(),
  created_at: z.iso.datetime({ offset: true }),
  last_event_seq: z.int().min(0),
  checkpoint_seq: z.int().min(0).optional(),
  conversation: z.array(messageSchema),
  config: z
    .looseObject({
      on_disconnect: z.enum(["continue", "pause"]).optional(),
      gateway: z.string().nullish(),
      gateway_chat_id: z.string().nullish(),
    })
    .optional(),
});

/**
 * The part of a session that Duragent 0.5 has compacted away, told again as records from the conversation that its
 * `state.json` kept. `firstSeq`: of the first line that is still in the log; what is told lies before it.
 * `null`: there is no readable state.json.
 */
export async function readLegacyState(fs: FileSystem, path: string, firstSeq: number): Promise<StoredEvent[] | null> {
  const state = stateSchema.safeParse(await readJson(fs, path));
  if (!state.success) return null;
  const { agent, created_at: timestamp, config, conversation } = state.data;
  const start: StoredEvent = {
    seq: 1,
    timestamp,
    type: "session_start",
    agent,
    on_disconnect: config?.on_disconnect ?? "pause",
    ...(config?.gateway && { gateway: config.gateway }),
    ...(config?.gateway_chat_id && { gateway_chat_id: config.gateway_chat_id }),
  };
  const told = conversation.flatMap((message) => tell(message, agent));
  // Version 1 kept the conversation up to its last event, version 2 up to the checkpoint.
  const { schema_version: version, last_event_seq: last, checkpoint_seq: checkpoint } = state.data;
  const covered = version === "1" ? last : (checkpoint ?? 0);
  const lastSeq = Math.min(firstSeq - 1, Math.max(covered, told.length + 1));
  const kept = fitting(told, lastSeq - 1);
  return [start, ...kept.map((fields, index) => ({ ...fields, seq: lastSeq - kept.length + 1 + index, timestamp }))];
}

type Told = { type: string; [key: string]: unknown };

function tell(message: Message, agent: string): Told[] {
  const content = message.content ?? "";
  switch (message.role) {
    case "user":
    case "steering":
      return [{ type: "user_message", content }];
    case "assistant": {
      const calls = (message.tool_calls ?? []).map((call) => ({
        call_id: call.id,
        tool_name: call.function.name,
        arguments: parseArguments(call.function.arguments),
      }));
      return [{ type: "assistant_response", agent, content, ...(calls.length > 0 && { tool_calls: calls }) }];
    }
    case "tool":
      return [{ type: "tool_result", call_id: message.tool_call_id ?? "", result: { success: true, content } }];
    default:
      return [];
  }
}

// Where more messages were kept than numbers are free, the oldest go, up to a message of the user.
function fitting(told: Told[], room: number): Told[] {
  if (told.length <= room) return told;
  const newest = told.slice(told.length - Math.max(0, room));
  const from = newest.findIndex((fields) => fields.type === "user_message");
  return from < 0 ? [] : newest.slice(from);
}

function parseArguments(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

async function readJson(fs: FileSystem, path: string): Promise<unknown> {
  try {
    return JSON.parse(Buffer.from(await fs.readFile(path)).toString("utf8"));
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return null;
    throw error;
  }
}
