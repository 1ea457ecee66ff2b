/** `id` is stable and unique in the store; `name` is what the agent and its users call it, unique per agent. */
export type ArtifactRef = {
  id: string;
  name: string;
  /** Where the backend can hand out one: valid for minutes. */
  url?: string;
  meta: {
    content_type: string;
    bytes: number;
    /** Hex. */
    sha256: string;
    /** RFC 3339. */
    created_at: string;
    session_id?: string;
  };
};

export type ArtifactMeta = { content_type?: string; session_id?: string };

/** Files that agents and their users keep. What an event names is stored already. */
export interface ArtifactStore {
  /**
   * Stores a stream whole or not at all, durably once this resolves; another of that name is replaced.
   * A piece of it is read by the time that the next one is asked for: its memory may be gone then.
   * Throws `bad-request` for a name that can not be one, `storage-full`, `storage-failed`, `too-large`, and what the stream throws.
   */
  put(agent: string, name: string, content: AsyncIterable<Uint8Array>, meta: ArtifactMeta): Promise<ArtifactRef>;
  find(agent: string, name: string): Promise<ArtifactRef | undefined>;
  /** The bytes from `start` (0) up to, but without, `end`. Throws `not-found`; `conflict` where another has taken its place; `storage-failed` where the checksum is wrong. */
  get(ref: ArtifactRef, range?: { start: number; end?: number }): AsyncIterable<Uint8Array>;
  /** By name, at most `limit`, those after `after`. */
  list(agent: string, query: { prefix?: string; limit: number; after?: string }): Promise<ArtifactRef[]>;
  /** Silent where nothing is. */
  delete(ref: ArtifactRef): Promise<void>;
  /** All that a session made; for `DELETE` of the session. */
  deleteOfSession(agent: string, sessionId: string): Promise<void>;
}
