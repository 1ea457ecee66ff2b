import type { ArtifactRef } from "../../../src/ports/artifact-store.ts";
import type { ToolContext } from "../../../src/ports/tool.ts";
import { toolContext } from "../../support/tool-context.ts";

export const refOf = (name: string): ArtifactRef => ({
  id: name,
  name,
  meta: { content_type: "text/plain", bytes: 0, sha256: "", created_at: "2026-01-01T00:00:00Z" },
});

export const contextOf = (more: Partial<ToolContext> = {}): ToolContext =>
  toolContext({ agent: "me", callId: "call_1", idempotencyKey: "session_0.7.call_1", ...more });
