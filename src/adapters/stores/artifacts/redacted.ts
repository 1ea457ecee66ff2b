import type { ArtifactStore } from "../../../ports/artifact-store.ts";
import { releaseMemory } from "../../release-memory.ts";

/**
 * A store into which known secrets never come. `redactBytes` takes and gives bytes as the characters of their numbers
 * (Latin-1), so that what is no text passes through as it is.
 */
export function redactedArtifacts(
  store: ArtifactStore,
  redactBytes: () => { push(piece: string): string; end(): string },
): ArtifactStore {
  return {
    put: (agent, name, content, meta) => store.put(agent, name, redacted(content, redactBytes()), meta),
    find: (agent, name) => store.find(agent, name),
    get: (ref, range) => store.get(ref, range),
    list: (agent, query) => store.list(agent, query),
    delete: (ref) => store.delete(ref),
    deleteOfSession: (agent, sessionId) => store.deleteOfSession(agent, sessionId),
  };
}

async function* redacted(
  content: AsyncIterable<Uint8Array>,
  redactor: { push(piece: string): string; end(): string },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of content) {
    const clean = redactor.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString("latin1"));
    if (clean === "") continue;
    const bytes = Buffer.from(clean, "latin1");
    yield bytes;
    // Whoever asks for the next piece has stored this one.
    releaseMemory(bytes);
  }
  const rest = redactor.end();
  if (rest !== "") yield Buffer.from(rest, "latin1");
}
