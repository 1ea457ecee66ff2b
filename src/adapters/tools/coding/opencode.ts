import { objectAt, said, shortly, textAt, type CodingAgent } from "./stream.ts";

/** OpenCode: https://opencode.ai/docs/cli. What it may do is for its own configuration to say. */
export const opencode: CodingAgent = {
  tool: "opencode_exec",
  program: "opencode",
  name: "OpenCode",
  argv: ({ sessionId, model }) => [
    ...(["opencode", "run", "--format", "json"] as const),
    ...(sessionId === undefined ? [] : ["--session", sessionId]),
    ...(model === undefined ? [] : ["--model", model]),
  ],
  hear(line) {
    const sessionId = textAt(line, "sessionID");
    const part = objectAt(line, "part");
    switch (line["type"]) {
      case "text":
        return said({ sessionId, text: textAt(part, "text") });
      case "tool_use": {
        const title = textAt(objectAt(part, "state"), "title") ?? shortly(objectAt(part, "state")["input"]);
        return said({ sessionId, action: `${String(part["tool"])} ${title}` });
      }
      case "error": {
        const error = objectAt(line, "error");
        return said({
          sessionId,
          error: textAt(objectAt(error, "data"), "message") ?? textAt(error, "name") ?? "failed",
        });
      }
      default:
        return said({ sessionId });
    }
  },
};
