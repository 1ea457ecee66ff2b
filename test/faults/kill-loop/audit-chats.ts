import type { SessionEvent } from "../../../src/schema/session-event.ts";
import { eventsOf } from "../../scenarios/acting-agents.ts";
import type { ChatNote } from "./chat-client.ts";
import type { Ledger } from "./ledger.ts";

type Logs = ReadonlyMap<string, readonly SessionEvent[]>;
type Sent = Extract<ChatNote, { kind: "sent" }>;

/** The session of a chat is nobody's who asked for one. */
export const isOfChat = (log: readonly SessionEvent[]): boolean =>
  eventsOf(log, "session_start")[0]?.gateway === "chat";

/** Every message is taken in by a turn, each turn has ended, and what they said is delivered. */
export function isSettled(log: readonly SessionEvent[]): boolean {
  const turns = eventsOf(log, "turn_start");
  const through = Math.max(0, ...eventsOf(log, "assistant_response").map((event) => event.through_seq ?? 0));
  const begun = new Set(turns.flatMap((turn) => turn.message_ids));
  return (
    eventsOf(log, "user_message").every(({ message_id: id, seq }) => begun.has(id) || seq <= through) &&
    turns.length === eventsOf(log, "turn_end").length &&
    eventsOf(log, "gateway_send").length === eventsOf(log, "gateway_delivery").length
  );
}

/** Compares what people in chats have said and were sent with what the logs hold. How much was sent. */
export function auditChats(ledger: Ledger, logs: Logs, notes: readonly ChatNote[]): number {
  const ofChats = [...logs].filter(([, log]) => isOfChat(log));
  const chats = ofChats.map(([, log]) => eventsOf(log, "session_start")[0]?.gateway_chat_id);
  if (new Set(chats).size !== chats.length) ledger.fault("duplicated", `sessions of the chats ${chats.join(", ")}`);
  auditSaid(ledger, ofChats.map(([, log]) => log).flat(), notes);
  auditAsked(ledger, notes);
  const sent = notes.filter((note) => note.kind === "sent");
  for (const [sessionId, log] of ofChats) auditSends(ledger, sessionId, log, sent);
  const known = new Set(ofChats.flatMap(([, log]) => eventsOf(log, "gateway_send").map((send) => send.request_id)));
  for (const { id } of sent) if (!known.has(id)) ledger.fault("phantom", `${id} was sent, and no log holds it`);
  return sent.length;
}

/** What was confirmed is in the logs, and nothing is there twice. */
function auditSaid(ledger: Ledger, events: readonly SessionEvent[], notes: readonly ChatNote[]): void {
  const times = new Map<string, number>();
  for (const event of events) {
    if (event.type !== "user_message" && event.type !== "silent_message") continue;
    const id = /(\S+) in a chat$/.exec(event.content)?.[1] ?? event.content;
    times.set(id, (times.get(id) ?? 0) + 1);
  }
  const said = new Set<string>();
  for (const note of notes) {
    if (note.kind === "said") said.add(note.id);
    if (note.kind === "confirmed" && !times.has(note.id)) ledger.fault("lost", `${note.id} was confirmed`);
  }
  for (const [id, count] of times) {
    if (!said.has(id)) ledger.fault("phantom", `${id} was never said`);
    if (count > 1) ledger.fault("duplicated", `${id} stands in the logs ${count} times`);
  }
}

/** No living server asks a living gateway twice for the same. */
function auditAsked(ledger: Ledger, notes: readonly ChatNote[]): void {
  const asked = new Set<string>();
  for (const note of notes) {
    if (note.kind !== "asked") continue;
    const key = `${note.id} of ${note.pid}`;
    if (asked.has(key)) ledger.fault("duplicated", `${key} was asked for twice`);
    asked.add(key);
  }
}

/** Each response is one message, each message is sent once and in its order, and the log says so. */
function auditSends(ledger: Ledger, sessionId: string, log: readonly SessionEvent[], all: readonly Sent[]): void {
  const sends = eventsOf(log, "gateway_send");
  const deliveries = eventsOf(log, "gateway_delivery");
  const spoken = eventsOf(log, "assistant_response").map(({ content }) => content);
  const texts = sends.flatMap(({ kind, content }) => (kind === "text" ? [content] : []));
  if (spoken.join("\n") !== texts.join("\n"))
    ledger.fault("lost", `${sessionId}: ${spoken.length} responses are ${texts.length} messages`);
  for (const { request_id: id, content } of sends) {
    const own = deliveries.filter((delivery) => delivery.request_id === id);
    if (own.length !== 1 || own[0]?.status !== "sent")
      ledger.fault("unanswered", `${id} has the deliveries ${JSON.stringify(own.map(({ status }) => status))}`);
    const taken = all.filter((sent) => sent.id === id);
    if (taken.length === 0) ledger.fault("lost", `${id} was never sent`);
    if (taken.length > 1) ledger.fault("duplicated", `${id} was sent ${taken.length} times`);
    if (taken[0] && taken[0].content !== content) ledger.fault("lost", `${id} was sent as ${taken[0].content}`);
  }
  const ids = sends.map(({ request_id: id }) => id);
  const own = all.flatMap(({ id }) => (ids.includes(id) ? [id] : []));
  if (own.join("\n") !== ids.join("\n"))
    ledger.fault("disorder", `${sessionId}: ${ids.join(" ")} sent as ${own.join(" ")}`);
}
