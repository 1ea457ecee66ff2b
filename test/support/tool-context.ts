import type { ToolContext } from "../../src/ports/tool.ts";
import { sessionIdSchema } from "../../src/schema/ids.ts";

/** Of the session whose tools are called. */
export const testSessionId = sessionIdSchema.parse("session_01KADQ8K3T9V6Z2M4N5P7R8S9T");

const nowhere = (): Promise<never> => Promise.reject(new Error("this tool says nothing to its session"));

/** What a call of a tool comes with. */
export const toolContext = (more: Partial<ToolContext> = {}): ToolContext => ({
  sessionId: testSessionId,
  agent: "tester",
  callId: "call-1",
  idempotencyKey: "key-1",
  attempt: 1,
  signal: new AbortController().signal,
  onOutput: () => undefined,
  session: { processStarted: nowhere, notify: nowhere },
  ...more,
});
