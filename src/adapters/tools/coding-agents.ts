import { z } from "zod";

import type { Tool, ToolContext } from "../../ports/tool.ts";
import type { ToolResult } from "../../schema/session-event.ts";
import { strictObject } from "../../schema/strict-object.ts";
import { claudeCode } from "./coding/claude-code.ts";
import { codex } from "./coding/codex.ts";
import { hearProcess, type HeardAll } from "./coding/hear-process.ts";
import { opencode } from "./coding/opencode.ts";
import type { CodingAgent } from "./coding/stream.ts";
import { defineTool, okResult } from "./define-tool.ts";
import type { ToolParts } from "./parts.ts";
import { workingFolder } from "./working-folder.ts";

const promptLengthMax = 1024 * 1024;
const timeoutSecondsMax = 24 * 60 * 60;
/** What a shell exits with where there is no such program. */
const notFound = 127;

// It becomes an argument: nothing that begins like an option.
const word = z.string().regex(/^[A-Za-z0-9][\w.:/@+-]{0,199}$/, "expected letters, digits and . : / @ + - _");

const schema = strictObject({
  prompt: z.string().min(1).max(promptLengthMax).describe("The task, with all that it must know"),
  cwd: z.string().optional().describe("Where it works; the workspace if not given, or a folder relative to it"),
  session_id: word.optional().describe("Of an earlier call, to go on with its conversation"),
  model: word.optional(),
  timeout_seconds: z.int().min(1).max(timeoutSecondsMax).default(7200),
});
type Given = z.infer<typeof schema>;
type Parts = Pick<ToolParts, "agent" | "processes" | "clock">;

/** `claude_code_exec`. What it needs to be used is said at `codingAgentTool`. */
export const claudeCodeTool = (parts: Parts): Tool => codingAgentTool(claudeCode, parts);
/** `codex_exec`. What it needs to be used is said at `codingAgentTool`. */
export const codexTool = (parts: Parts): Tool => codingAgentTool(codex, parts);
/** `opencode_exec`. What it needs to be used is said at `codingAgentTool`. */
export const opencodeTool = (parts: Parts): Tool => codingAgentTool(opencode, parts);

/** Those of the tools that run somebody else's program: tool, program, and what its users call it. */
export const codingAgents: readonly Pick<CodingAgent, "tool" | "program" | "name">[] = [claudeCode, codex, opencode];

/**
 * A coding agent's headless command as a background process that its call waits for: after a restart of the server it goes
 * on, and the call finds it. In the sandbox it needs the network (`sandbox.network: true`), and its home is the agent's
 * workspace: it must be logged in there, e.g. by `HOME=.duragent/workspace/AGENT claude`.
 */
function codingAgentTool(agent: CodingAgent, parts: Parts): Tool {
  const { processes } = parts;
  return defineTool<Given>({
    name: agent.tool,
    description:
      `Gives a programming task to ${agent.name}, which works in your workspace, and answers with what it reports. ` +
      "It knows nothing of this conversation. Its session_id goes on with an earlier one.",
    arguments: schema,
    effect: "resumable",
    run: (given, context) => execute(given, agent, parts, context),
    resume: async (given, context) =>
      processes.findByKey(context.sessionId, context.idempotencyKey) ? execute(given, agent, parts, context) : null,
  });
}

async function execute(given: Given, agent: CodingAgent, parts: Parts, context: ToolContext): Promise<ToolResult> {
  const handle = await start(given, agent, parts, context);
  return resultOf(handle, agent, await hearProcess(handle, agent, parts, context));
}

async function start(given: Given, agent: CodingAgent, parts: Parts, context: ToolContext): Promise<string> {
  const { workspace, readable } = parts.agent;
  const known = parts.processes.findByKey(context.sessionId, context.idempotencyKey);
  const { session_id: sessionId, model } = given;
  const argv = agent.argv({
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(model === undefined ? {} : { model }),
  });
  const process = await parts.processes.start(
    {
      // Looked for where it runs, which may be a sandbox: no shell sees the words that follow.
      command: ["bash", "-c", 'command -v "$0" >/dev/null || exit 127; exec "$0" "$@"', ...argv],
      cwd: known?.workdir ?? (await workingFolder(given.cwd, parts.agent)),
      writable: [workspace],
      readable,
      label: agent.name,
      stdin: given.prompt,
      timeoutMs: given.timeout_seconds * 1000,
      announceEnd: false,
    },
    context,
  );
  return process.handle;
}

function resultOf(handle: string, agent: CodingAgent, heard: HeardAll): ToolResult {
  const { ended, sessionId, result, error, notes } = heard;
  const details = { handle, ...(sessionId === undefined ? {} : { session_id: sessionId }) };
  const goOn = sessionId === undefined ? "" : `\n\n(session_id: ${sessionId})`;
  const failed = (outcome: "error" | "timeout" | "cancelled", content: string): ToolResult => ({
    success: false,
    outcome,
    content: `${content}${goOn}`,
    details,
  });
  if (ended === null) return failed("cancelled", `${agent.name} was cancelled. It may have changed files.`);
  const { status } = ended;
  if (status.state === "failed" && status.exit_code === notFound && result === undefined)
    return failed(
      "error",
      `${agent.name} is not installed here: there is no program ${agent.program}. Tell the user; do the task another way.`,
    );
  const why = [error, notes.trim()].find((text) => text !== undefined && text !== "");
  if (status.state === "timed_out")
    return failed("timeout", `${agent.name} took too long and was ended. ${result ?? why ?? ""}`.trim());
  if (status.state !== "completed" || error !== undefined) {
    const how = "exit_code" in status && status.exit_code !== 0 ? `exit code ${status.exit_code}` : status.state;
    return failed("error", `${agent.name} did not finish (${how}): ${why ?? result ?? "it said nothing"}`);
  }
  if (result === undefined) return failed("error", `${agent.name} ended without an answer. ${why ?? ""}`.trim());
  return okResult(`${result}${goOn}`, { details });
}
