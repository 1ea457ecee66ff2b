import type { JsonObject } from "../../../schema/json-object.ts";
import { objectAt, said, shortly, textAt, type CodingAgent, type Heard } from "./stream.ts";

/** Codex: docs/exec.md of openai/codex. It asks nobody in this mode, and by itself may only read: here it may write where it works. */
export const codex: CodingAgent = {
  tool: "codex_exec",
  program: "codex",
  name: "Codex",
  argv: ({ sessionId, model }) => [
    ...(["codex", "exec", "--json", "--skip-git-repo-check", "--sandbox", "workspace-write"] as const),
    ...(model === undefined ? [] : ["--model", model]),
    ...(sessionId === undefined ? [] : ["resume", sessionId]),
    "-",
  ],
  hear(line) {
    switch (line["type"]) {
      case "thread.started":
        return said({ sessionId: textAt(line, "thread_id") });
      case "item.started":
      case "item.completed":
        return itemHeard(objectAt(line, "item"), line["type"] === "item.completed");
      case "turn.failed":
        return said({ error: textAt(objectAt(line, "error"), "message") ?? "the turn failed" });
      case "error":
        // It tries again after some of them: one that ends the turn is told as its failure.
        return said({ action: textAt(line, "message") });
      default:
        return {};
    }
  },
};

function itemHeard(item: JsonObject, isCompleted: boolean): Heard {
  // Called `item_type` at first, and an agent_message an assistant_message.
  const type = item["type"] ?? item["item_type"];
  if (type === "agent_message" || type === "assistant_message")
    return isCompleted ? said({ text: textAt(item, "text") }) : {};
  if (type === "command_execution") return isCompleted ? {} : { action: `$ ${shortly(item["command"])}` };
  if (!isCompleted) return {};
  if (type === "file_change") return { action: `edit ${shortly(item["changes"])}` };
  if (type === "mcp_tool_call") return { action: `${String(item["server"])} ${String(item["tool"])}` };
  if (type === "web_search") return { action: `search ${shortly(item["query"])}` };
  return {};
}
