import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";

import type { ToolParts } from "../../../../src/adapters/tools/parts.ts";
import type { Tool, ToolContext } from "../../../../src/ports/tool.ts";
import type { ToolResult } from "../../../../src/schema/session-event.ts";
import { testAgent } from "../../../support/runtime-harness.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";
import { toolContext } from "../../../support/tool-context.ts";

/** An agent with a workspace of its own and one folder besides that it may read; neither is made yet. */
export async function workbench(t: Pick<TestContext, "after">) {
  const folder = await temporaryFolder(t);
  const workspace = join(folder, "workspace/tester");
  const skills = join(folder, "skills");
  await mkdir(skills);
  const { definition, files } = testAgent({});
  const agent: ToolParts["agent"] = { name: "tester", home: "", definition, files, workspace, readable: [skills] };
  return { folder, workspace, skills, agent };
}

/** Calls a tool as the runtime does: arguments that it finds fault with are not run. */
export async function call(tool: Tool, given: object, more: Partial<ToolContext> = {}): Promise<ToolResult> {
  const toolCall = { call_id: "call-1", tool_name: tool.definition.name, arguments: { ...given } };
  const fault = tool.fault(toolCall);
  if (fault !== null) return { success: false, outcome: "error", content: fault };
  return tool.run(toolCall, toolContext(more));
}
