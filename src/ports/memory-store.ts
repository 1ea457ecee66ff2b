import type { memoryKinds } from "../schema/api/memory.ts";

/** `memory`: what one agent keeps (MEMORY.md, one text, replaced); `world`: what is true for all agents (a text a topic, replaced); the others are entries of a day. */
export type MemoryKind = (typeof memoryKinds)[number];

export type NewMemory = {
  kind: MemoryKind;
  content: string;
  /** Of `world`. */
  topic?: string;
  /** ms since 1970: the day that it belongs to (UTC). */
  at: number;
  /** The same again changes nothing. */
  idempotencyKey?: string;
};

export type MemoryEntry = {
  kind: MemoryKind;
  content: string;
  topic?: string;
  /** YYYY-MM-DD, of entries of a day. */
  day?: string;
  /** Whose it is; `undefined` where the store does not say (a human's edit). */
  agent?: string;
};

/** All conditions hold; newest first, at most `limit` and a few MiB. `text`: words that must all occur, without regard to case. */
export type MemoryQuery = {
  text?: string;
  kinds?: readonly MemoryKind[];
  /** YYYY-MM-DD, inclusive; limits entries of a day only. */
  since?: string;
  limit: number;
};

/** What agents remember. One agent sees its own entries, those without an owner, and the world. */
export interface MemoryStore {
  /** Durable once this resolves. Throws `bad-request` for what can not be stored, `storage-full`, `storage-failed`. */
  put(agent: string, entry: NewMemory): Promise<void>;
  query(agent: string, query: MemoryQuery): Promise<MemoryEntry[]>;
  /** A tar stream of Markdown: all that this agent can see. */
  export(agent: string): AsyncIterable<Uint8Array>;
}
