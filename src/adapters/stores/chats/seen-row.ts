import type { SeenMessage } from "../../../ports/chat-index.ts";
import type { SessionId } from "../../../schema/ids.ts";
import { checkLine, sealLine } from "../sessions/files/line.ts";

/** One line of `seen.jsonl`. `session` and `seq`: the event that records the message. */
export type Row = { key: string; chat: string; at: string; session?: SessionId; seq?: number; dropped?: string };

// The same line format as a session's log, with a seed of its own.
const seed = 0x5ee;

/** `null`: it can not be read. Checked by hand: half a million of them are read at a start. */
export function rowIn(bytes: Uint8Array): Row | null {
  const checked = checkLine(bytes, seed);
  if (checked.kind !== "readable" || checked.crc === null) return null;
  return isRow(checked.value) ? checked.value : null;
}

function isRow(value: unknown): value is Row {
  if (typeof value !== "object" || value === null) return false;
  const { key, chat, at, session, seq, dropped }: Record<keyof Row, unknown> = { ...noRow, ...value };
  return (
    typeof key === "string" &&
    typeof chat === "string" &&
    typeof at === "string" &&
    !Number.isNaN(Date.parse(at)) &&
    (session === undefined || typeof session === "string") &&
    (seq === undefined || (typeof seq === "number" && Number.isSafeInteger(seq))) &&
    (dropped === undefined || typeof dropped === "string")
  );
}
const noRow: Record<keyof Row, undefined> = {
  key: undefined,
  chat: undefined,
  at: undefined,
  session: undefined,
  seq: undefined,
  dropped: undefined,
};

export function rowOf({ key, chat, atMs, event, dropped }: SeenMessage): Row {
  return {
    key,
    chat: chat.chatId,
    at: new Date(atMs).toISOString(),
    ...(event && { session: event.sessionId, seq: event.seq }),
    ...(dropped !== undefined && { dropped }),
  };
}

/** As a key that stands nowhere. */
export function withoutPlace({ key, chat, at, dropped }: Row): Row {
  return { key, chat, at, ...(dropped !== undefined && { dropped }) };
}

export const lineOf = (row: Row): string => sealLine(JSON.stringify(row).slice(0, -1), false, seed).text;
