import { isJsonObject } from "../../../schema/json-object.ts";
import { objectAt, said, shortly, textAt, type CodingAgent } from "./stream.ts";

/**
 * Claude Code: https://code.claude.com/docs/en/headless. It asks nobody in this mode: edits are accepted, and what else its
 * own settings do not allow it does not do.
 */
export const claudeCode: CodingAgent = {
  tool: "claude_code_exec",
  program: "claude",
  name: "Claude Code",
  argv: ({ sessionId, model }) => [
    ...(["claude", "-p", "--output-format", "stream-json", "--verbose", "--permission-mode", "acceptEdits"] as const),
    ...(sessionId === undefined ? [] : ["--resume", sessionId]),
    ...(model === undefined ? [] : ["--model", model]),
  ],
  hear(line) {
    const sessionId = textAt(line, "session_id");
    if (line["type"] === "result") {
      const result = textAt(line, "result");
      const failed = line["is_error"] === true || line["subtype"] !== "success";
      return said({ sessionId, ...(failed ? { error: result ?? String(line["subtype"]) } : { result: result ?? "" }) });
    }
    if (line["type"] !== "assistant") return said({ sessionId });
    const content = objectAt(line, "message")["content"];
    const parts = Array.isArray(content) ? content.filter(isJsonObject) : [];
    const texts = parts.flatMap((part) => (part["type"] === "text" ? (textAt(part, "text") ?? []) : []));
    const actions = parts.flatMap((part) =>
      part["type"] === "tool_use" ? `${String(part["name"])} ${shortly(part["input"])}` : [],
    );
    return said({ sessionId, text: texts.join("\n") || undefined, action: actions.join("\n") || undefined });
  },
};
