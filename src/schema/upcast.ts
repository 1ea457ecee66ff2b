import { isJsonObject, type JsonObject } from "./json-object.ts";
import type { SessionEvent } from "./session-event.ts";
import type { StoredEvent } from "./session-event-read.ts";

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const noUsage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };

/** An id that is the same at every reading: the session's own ULID up to its 18th character, then `seq` in base 32. */
export function derivedId(prefix: "msg" | "appr", sessionId: string, seq: number): string {
  const ulid = sessionId.slice(sessionId.indexOf("_") + 1);
  let digits = "";
  for (let rest = seq; rest > 0; rest = Math.floor(rest / 32)) digits = crockford.charAt(rest % 32) + digits;
  return `${prefix}_${ulid.slice(0, 18).padEnd(18, "0")}${digits.padStart(8, "0")}`;
}

/**
 * Turns records as they stand in a log, in order, into the shape that is written today; the log itself is never edited.
 * What Duragent 0.5 left out gets a default, `assistant_message` becomes a response, and `tool_call` records join the
 * response before them, so one response is held back until `finish` or the next record of another type.
 */
export class Upcaster {
  readonly #sessionId: string;
  readonly #toolNames = new Map<string, string>();
  readonly #approvals = new Map<string, string>();
  #legacy: boolean;
  #held: JsonObject | null = null;

  constructor(sessionId: string, legacy: boolean) {
    this.#sessionId = sessionId;
    this.#legacy = legacy;
  }

  /** `sealed`: the record carries a `crc`, so this program wrote it and nothing after it is of 0.5. */
  push(record: StoredEvent, sealed: boolean): SessionEvent[] {
    if (sealed) this.#legacy = false;
    const out = this.#held && record.type !== "tool_call" ? this.finish() : [];
    if (record.type === "tool_call") {
      this.#join(record);
      return out;
    }
    const event = this.#complete(record);
    if (this.#legacy && event.type === "assistant_response") this.#held = event;
    else out.push(written(event));
    return out;
  }

  finish(): SessionEvent[] {
    const held = this.#held;
    this.#held = null;
    return held ? [written(held)] : [];
  }

  #join(record: StoredEvent): void {
    const call = { call_id: record.call_id, tool_name: record.tool_name, arguments: record.arguments ?? {} };
    this.#toolNames.set(String(call.call_id), String(call.tool_name));
    if (!this.#held) return;
    const calls: unknown[] = Array.isArray(this.#held.tool_calls) ? this.#held.tool_calls : [];
    this.#held = { ...this.#held, tool_calls: [...calls, call], stop_reason: "tool_calls" };
  }

  #complete(record: StoredEvent): JsonObject {
    const { b: _mark, crc: _crc, ...fields } = record;
    // What this program wrote is whole, and its keys stay in their order.
    if (!this.#legacy) return fields;
    const event: JsonObject = { ...fields, legacy: true, timestamp: asUtc(record.timestamp) };
    const id = (prefix: "msg" | "appr") => derivedId(prefix, this.#sessionId, record.seq);
    switch (record.type) {
      case "session_start":
        return { format: 1, session_id: this.#sessionId, on_disconnect: "pause", ...event };
      case "session_end":
        return { reason: "completed", ...event };
      case "user_message":
        return { message_id: id("msg"), source: "http", delivery: "steer", ...event };
      case "silent_message":
        return { message_id: id("msg"), sender_id: "", disposition: "passive", ...event };
      case "assistant_message":
      case "assistant_response":
        return this.#response({ ...event, type: "assistant_response" }, record.seq, id("msg"));
      case "tool_result":
        return { duration_ms: 0, ...event, result: completeResult(record.result) };
      case "approval_required":
        return this.#approvalRequired(event, id("appr"));
      case "approval_decision":
        return {
          approval_id: this.#approvals.get(String(record.call_id)) ?? id("appr"),
          decided_by: "",
          ...event,
        };
      case "status_change":
        return { cause: causeOf(record.to), ...event, from: currentStatus(record.from), to: currentStatus(record.to) };
      case "error":
        return { retryable: false, ...event };
      default:
        return event;
    }
  }

  #response(event: JsonObject, seq: number, messageId: string): JsonObject {
    const calls: unknown[] = Array.isArray(event.tool_calls) ? event.tool_calls : [];
    for (const call of calls) {
      if (isJsonObject(call)) this.#toolNames.set(String(call.call_id), String(call.tool_name));
    }
    return {
      agent: "",
      message_id: messageId,
      through_seq: seq - 1,
      model: "",
      provider: "",
      stop_reason: calls.length > 0 ? "tool_calls" : "end",
      request_digest: "",
      latency_ms: 0,
      first_token_ms: 0,
      attempts: 1,
      ...event,
      ...(calls.length > 0 && {
        tool_calls: calls.map((call) => ({ arguments: {}, ...(isJsonObject(call) ? call : {}) })),
      }),
      ...(isJsonObject(event.usage) && { usage: { ...noUsage, ...event.usage } }),
    };
  }

  #approvalRequired(event: JsonObject, approvalId: string): JsonObject {
    const callId = String(event.call_id);
    const complete = { approval_id: approvalId, tool_name: this.#toolNames.get(callId) ?? "bash", ...event };
    this.#approvals.set(callId, String(complete.approval_id));
    return complete;
  }
}

// The edge where what was read becomes what is written: every key that the type promises has been put in above.
function written(event: JsonObject): SessionEvent {
  return event as unknown as SessionEvent;
}

function completeResult(result: unknown): JsonObject {
  const fields = isJsonObject(result) ? result : {};
  return { outcome: fields.success === true ? "ok" : "error", ...fields };
}

function currentStatus(status: unknown): unknown {
  return status === "completed" ? "ended" : status;
}

function causeOf(to: unknown): string {
  if (to === "completed" || to === "ended") return "end";
  return to === "active" ? "attach" : "detach";
}

function asUtc(timestamp: string): string {
  return new Date(timestamp).toISOString();
}
