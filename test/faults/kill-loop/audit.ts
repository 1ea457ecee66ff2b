import { isDeepStrictEqual } from "node:util";

import type { EventOf, EventType, SessionEvent } from "../../../src/schema/session-event.ts";
import { isOfChat } from "./audit-chats.ts";
import type { Ledger, Submission, Told } from "./ledger.ts";

type Logs = ReadonlyMap<string, readonly SessionEvent[]>;

const repeatedCrash = "repeated-crash";

/** Compares what clients were told with what is in the logs, knowing nothing of how the server works. */
export function audit(ledger: Ledger, logs: Logs): void {
  for (const [key, sessionId] of ledger.created) {
    if (!logs.has(sessionId)) ledger.fault("lost", `the session ${sessionId}, made with ${key}`);
  }
  const made = new Set(ledger.created.values());
  for (const [sessionId, log] of logs) {
    auditOrder(ledger, sessionId, log);
    auditTurns(ledger, sessionId, log);
    if (isOfChat(log)) continue;
    if (!made.has(sessionId)) ledger.fault("phantom", `the session ${sessionId}`);
    auditSeen(ledger, sessionId, log);
    auditMessages(ledger, sessionId, log);
  }
  for (const submission of ledger.submissions.values()) {
    auditSubmission(ledger, submission, logs.get(submission.sessionId) ?? []);
  }
}

function ofType<Type extends EventType>(
  log: readonly SessionEvent[],
  type: Type,
): Extract<SessionEvent, { type: Type }>[] {
  return log.filter((event): event is Extract<SessionEvent, { type: Type }> => event.type === type);
}

function auditOrder(ledger: Ledger, sessionId: string, log: readonly SessionEvent[]): void {
  let epoch = 0;
  for (const [index, event] of log.entries()) {
    if (event.seq !== index + 1) ledger.fault("disorder", `${sessionId}: seq ${event.seq} stands at ${index + 1}`);
    if (event.epoch !== undefined && event.epoch < epoch)
      ledger.fault("disorder", `${sessionId}: epoch ${event.epoch} after ${epoch}`);
    epoch = event.epoch ?? epoch;
  }
}

function auditSeen(ledger: Ledger, sessionId: string, log: readonly SessionEvent[]): void {
  for (const event of ledger.seen.get(sessionId) ?? []) {
    if (!isDeepStrictEqual(log[event.seq - 1], event))
      ledger.fault("lost", `${sessionId}: ${event.seq} was shown otherwise than it is stored`);
  }
}

function auditMessages(ledger: Ledger, sessionId: string, log: readonly SessionEvent[]): void {
  const contents = new Set<string>();
  for (const { content } of ofType(log, "user_message")) {
    if (ledger.submissions.get(content)?.sessionId !== sessionId) ledger.fault("phantom", `${sessionId}: ${content}`);
    if (contents.has(content)) ledger.fault("duplicated", `${sessionId}: ${content}`);
    contents.add(content);
  }
}

/** Every message is taken in by one turn, every turn ends once, and a complete turn has answered. */
function auditTurns(ledger: Ledger, sessionId: string, log: readonly SessionEvent[]): void {
  const takenBy = new Map<string, number>();
  const take = (messageId: string): void => void takenBy.set(messageId, (takenBy.get(messageId) ?? 0) + 1);
  const messages = ofType(log, "user_message");
  for (const turn of ofType(log, "turn_start")) {
    const own = log.filter((event) => event.turn_id === turn.turn_id);
    const final = ofType(own, "assistant_response").at(-1);
    const ends = ofType(own, "turn_end");
    const wrong = wrongEnd(own, ends, final);
    if (wrong) ledger.fault("unanswered", `${sessionId}: ${turn.turn_id} ${wrong}`);
    for (const messageId of turn.message_ids) take(messageId);
    const through = final?.through_seq ?? 0;
    for (const { seq, delivery, message_id: messageId } of messages) {
      const joined = delivery === "steer" && seq > turn.seq && seq <= through;
      if (joined && !turn.message_ids.includes(messageId)) take(messageId);
    }
  }
  for (const { message_id: messageId, content } of messages) {
    const times = takenBy.get(messageId) ?? 0;
    if (times === 0) ledger.fault("unanswered", `${sessionId}: ${content}`);
    if (times > 1) ledger.fault("duplicated", `${sessionId}: ${content} was taken in ${times} times`);
  }
}

type End = EventOf<"turn_end">;

function wrongEnd(
  own: readonly SessionEvent[],
  ends: readonly End[],
  final: EventOf<"assistant_response"> | undefined,
): string | null {
  const [end] = ends;
  if (!end || ends.length > 1) return `has ${ends.length} ends`;
  // Three crashes without a response between them: it is given up, and says so.
  if (end.error?.code === repeatedCrash && ofType(own, "turn_resumed").length >= 2) return null;
  if (end.outcome !== "completed") return `ended ${end.outcome}: ${end.error?.message}`;
  return final?.stop_reason === "end" ? null : "has no final response";
}

const isSame = (response: EventOf<"assistant_response">, given: Extract<Told, { kind: "answered" }>): boolean =>
  response.content === given.content && response.turn_id === (given.turnId ?? response.turn_id);

function auditSubmission(ledger: Ledger, { content, told, sessionId }: Submission, log: readonly SessionEvent[]): void {
  const message = ofType(log, "user_message").find((event) => event.content === content);
  if (!message) return told.length > 0 ? ledger.fault("lost", `${sessionId}: ${content}`) : undefined;
  for (const one of told) {
    if (one.kind === "accepted") {
      const fits = message.message_id === one.messageId && message.seq === one.seq;
      if (!fits) ledger.fault("lost", `${sessionId}: ${content} was acknowledged as ${one.messageId} at ${one.seq}`);
      continue;
    }
    const response = ofType(log, "assistant_response").find((event) => event.message_id === one.responseId);
    if (!response) ledger.fault("lost", `${sessionId}: the answer ${one.responseId} to ${content}`);
    else if (one.kind === "answered" && !isSame(response, one)) {
      ledger.fault("lost", `${sessionId}: the answer ${one.responseId} is stored otherwise than it was given`);
    } else if (one.kind === "streamed" && !one.text.endsWith(response.content)) {
      ledger.fault("lost", `${sessionId}: ${one.responseId} was streamed as ${JSON.stringify(one.text)}`);
    }
  }
}
