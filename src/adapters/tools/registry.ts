import type { Tool } from "../../ports/tool.ts";
import type { builtinTools } from "../../schema/agent-tools.ts";
import type { CliToolParts, CliTools } from "./cli-tools.ts";
import type { ToolParts } from "./parts.ts";

type BuiltinName = (typeof builtinTools)[number];
type MakeTool = (parts: ToolParts) => Tool | Promise<Tool>;

/** Every built-in tool, by the name under which agents list it; each is loaded when an agent wants it. */
const builtins: Readonly<Record<Exclude<BuiltinName, "schedule">, MakeTool>> = {
  bash: async (parts) => (await import("./bash.ts")).bashTool(parts),
  read_file: async (parts) => (await import("./files/read-file.ts")).readFileTool(parts),
  list_files: async (parts) => (await import("./files/list-files.ts")).listFilesTool(parts),
  search_files: async (parts) => (await import("./files/search-files.ts")).searchFilesTool(parts),
  write_file: async (parts) => (await import("./files/write-file.ts")).writeFileTool(parts),
  edit_file: async (parts) => (await import("./files/edit-file.ts")).editFileTool(parts),
  web: async (parts) => (await import("./web/web.ts")).webTool(parts),
  memory: async (parts) => (await import("./memory.ts")).memoryTool(parts),
  session: async (parts) => (await import("./session.ts")).sessionTool(parts),
  background_process: async (parts) => (await import("./background-process.ts")).backgroundProcessTool(parts),
  artifact: async (parts) => (await import("./artifact.ts")).artifactTool(parts),
  notify_user: async () => (await import("./notify-user.ts")).notifyUserTool(),
  claude_code_exec: async (parts) => (await import("./coding-agents.ts")).claudeCodeTool(parts),
  codex_exec: async (parts) => (await import("./coding-agents.ts")).codexTool(parts),
  opencode_exec: async (parts) => (await import("./coding-agents.ts")).opencodeTool(parts),
  reload_tools: async (parts) => (await import("./reload-tools.ts")).reloadToolsTool(parts),
};

/** Makes a built-in tool; `undefined` for one that this version does not have. */
export async function makeBuiltin(name: BuiltinName, parts: ToolParts): Promise<Tool | undefined> {
  return name === "schedule" ? undefined : builtins[name](parts);
}

/** The programs that an agent lists, and those that are found under `tools/`. */
export async function findCliTools(parts: CliToolParts): Promise<CliTools> {
  return (await import("./cli-tools.ts")).cliTools(parts);
}
