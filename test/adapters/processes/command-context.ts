import type { ArtifactRef } from "../../../src/ports/artifact-store.ts";
import type { ToolContext } from "../../../src/ports/tool.ts";
import type { SessionId } from "../../../src/schema/ids.ts";

export const refOf = (name: string): ArtifactRef => ({
  id: name,
  name,
  meta: { content_type: "text/plain", bytes: 0, sha256: "", created_at: "2026-01-01T00:00:00Z" },
});

export const contextOf = (more: Partial<ToolContext> = {}): ToolContext => ({
  sessionId: `session_${"0".repeat(26)}` as SessionId,
  agent: "me",
  callId: "call_1",
  idempotencyKey: "session_0.7.call_1",
  attempt: 1,
  signal: new AbortController().signal,
  onOutput: () => undefined,
  session: {
    processStarted: () => Promise.reject(new Error("not asked for")),
    notify: () => Promise.reject(new Error("not asked for")),
  },
  ...more,
});
