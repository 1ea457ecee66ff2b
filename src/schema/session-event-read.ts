import { z } from "zod";

import { payloads } from "./session-event.ts";

const text = z.string();
const status = z.enum(["active", "running", "paused", "ended", "completed"]);

/**
 * What is enough to be read: what Duragent 0.5 wrote, plus any other key. Whether a log is corrupt is decided by
 * these and never by the stricter shapes that are written. Only zod's verdict counts here, its copy is not used: so these
 * need not be loose objects, which take it twice as long, to let other keys be.
 */
const lenient: Record<string, z.ZodType> = {
  session_start: z.object({
    agent: text,
    format: z.int().min(1).optional(),
    on_disconnect: z.enum(["continue", "pause"]).optional(),
  }),
  session_end: z.object({ reason: text.optional() }),
  user_message: z.object({ content: text }),
  silent_message: z.object({ content: text, sender_id: text.optional() }),
  assistant_response: z.object({
    agent: text.optional(),
    content: text,
    tool_calls: z.array(z.object({ call_id: text, tool_name: text })).optional(),
  }),
  assistant_message: z.object({ content: text }),
  tool_call: z.object({ call_id: text, tool_name: text }),
  tool_result: z.object({ call_id: text, result: z.object({ success: z.boolean(), content: text }) }),
  tools_skipped: z.object({ call_ids: z.array(text), reason: text }),
  approval_required: z.object({ call_id: text, command: text }),
  approval_decision: z.object({ call_id: text, decision: z.enum(["allow_once", "allow_always", "deny"]) }),
  status_change: z.object({ from: status, to: status }),
  error: z.object({ code: text, message: text }),
};

const readSchemas = new Map<string, z.ZodType>();
for (const [type, schema] of Object.entries(payloads)) readSchemas.set(type, lenient[type] ?? z.object(schema.shape));
for (const [type, schema] of Object.entries(lenient)) readSchemas.set(type, schema);

/** The keys that every record has. `timestamp` of Duragent 0.5 has up to nanoseconds and may have an offset. */
const envelope = z.object({
  seq: z.int().min(1),
  timestamp: z.iso.datetime({ offset: true }),
  type: text,
  epoch: z.int().min(0).optional(),
});

/** A record as it was found in a log: checked, nothing taken away, not yet in the shape that is written today. */
export type StoredEvent = { seq: number; timestamp: string; type: string; epoch?: number; [key: string]: unknown };

export type ReadEvent =
  | { kind: "event"; value: StoredEvent; known: true }
  | { kind: "event"; value: StoredEvent; known: false; ignorable: boolean }
  | { kind: "unfit"; reason: string };

/** Checks one record with the lenient shapes. A type that is not known here is no fault of the record. */
export function readStoredEvent(value: unknown): ReadEvent {
  const outer = envelope.safeParse(value);
  if (!outer.success) return { kind: "unfit", reason: explain(outer.error) };
  // The record itself, not zod's copy of it: its keys keep their order, so what is shown again is the same to the byte.
  const event = value as StoredEvent;
  const schema = readSchemas.get(event.type);
  if (!schema) return { kind: "event", value: event, known: false, ignorable: event.ignorable === true };
  const inner = schema.safeParse(event);
  if (!inner.success) return { kind: "unfit", reason: `${event.type}: ${explain(inner.error)}` };
  return { kind: "event", value: event, known: true };
}

function explain(error: z.ZodError): string {
  const issue = error.issues[0];
  if (!issue) return "does not fit";
  return issue.path.length > 0 ? `${issue.path.join(".")}: ${issue.message}` : issue.message;
}
