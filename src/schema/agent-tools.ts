import { z } from "zod";

import { durationMs } from "./quantity.ts";
import { strictObject } from "./strict-object.ts";
import { didYouMean, quoted } from "./suggestion.ts";

/** The tools that come with the program. */
export const builtinTools = [
  "bash",
  "read_file",
  "list_files",
  "search_files",
  "write_file",
  "edit_file",
  "web",
  "memory",
  "session",
  "schedule",
  "background_process",
  "artifact",
  "notify_user",
  "claude_code_exec",
  "codex_exec",
  "opencode_exec",
  "reload_tools",
] as const;

const builtinName = z.enum(builtinTools, {
  error: (issue) =>
    typeof issue.input === "string"
      ? `unknown built-in tool ${quoted(issue.input)}${didYouMean(issue.input, builtinTools)}`
      : undefined,
});

const toolName = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "expected 1 to 64 letters, digits, _ or -");
const command = z.union([z.string().min(1), z.array(z.string()).min(1)], {
  error: "expected a command: text, or a list of words",
});
const words = z.record(z.string(), z.string());

const builtinTool = strictObject({ type: z.literal("builtin"), name: builtinName });

const cliTool = strictObject({
  type: z.literal("cli"),
  name: toolName,
  command,
  description: z.string().optional(),
  /** Path of a file inside the agent's folder. */
  readme: z.string().optional(),
  /** A JSON Schema object. */
  parameters: z.record(z.string(), z.json()).optional(),
  effect: z.enum(["pure", "idempotent", "resumable", "unsafe"]).optional(),
  /** Milliseconds once parsed. */
  timeout: durationMs.optional(),
  env: words.optional(),
});

const mcpTool = strictObject({
  type: z.literal("mcp"),
  name: toolName,
  command: z.string().min(1).optional(),
  args: z.array(z.string()).optional(),
  env: words.optional(),
  url: z.url({ protocol: /^https?$/, error: "expected an http or https URL" }).optional(),
  headers: words.optional(),
}).superRefine((tool, context) => {
  if (tool.command !== undefined && tool.url !== undefined) {
    context.addIssue({ code: "custom", path: ["url"], message: 'give either "command" or "url", not both' });
  }
  if (tool.command === undefined && tool.url === undefined) {
    context.addIssue({ code: "custom", path: [], message: 'an MCP server needs "command" or "url"' });
  }
  for (const key of ["args", "env"] as const) {
    if (tool[key] !== undefined && tool.command === undefined) {
      context.addIssue({ code: "custom", path: [key], message: `"${key}" belongs to a "command"` });
    }
  }
  if (tool.headers !== undefined && tool.url === undefined) {
    context.addIssue({ code: "custom", path: ["headers"], message: '"headers" belong to a "url"' });
  }
});

const toolEntry = z.discriminatedUnion("type", [builtinTool, cliTool, mcpTool], {
  error: 'expected a tool with "type": builtin, cli or mcp',
});
export type AgentTool = z.infer<typeof toolEntry>;

// Names meet in one table of the model's tools, where case is not enough to tell two apart.
function uniqueNames(tools: readonly AgentTool[], context: z.RefinementCtx) {
  const seen = new Set<string>();
  for (const [index, tool] of tools.entries()) {
    const folded = tool.name.toLowerCase();
    if (seen.has(folded)) {
      context.addIssue({ code: "custom", path: [index, "name"], message: `a second tool named ${quoted(tool.name)}` });
    }
    seen.add(folded);
  }
}

/** `tools:` of agent.yaml. */
export const agentToolsSchema = z.array(toolEntry).max(256).superRefine(uniqueNames);

/** `tools:` of the short form: built-in ones by name, the others as entries without their `type`. */
export const shortToolsSchema = z.union([
  agentToolsSchema,
  strictObject({ builtin: z.array(builtinName).optional() }).transform((short) =>
    (short.builtin ?? []).map((name): AgentTool => ({ type: "builtin", name })),
  ),
]);
