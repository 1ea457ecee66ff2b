import type { Tool, ToolContext } from "../../../src/ports/tool.ts";
import type { ToolResult } from "../../../src/schema/session-event.ts";
import type { ToolParts } from "../../../src/adapters/tools/parts.ts";
import { createSystemClock } from "../../../src/adapters/clock/system.ts";
import { context, type Ground } from "../processes/ground.ts";

/** The parts that tools with processes are made of. */
export const partsOf = ({ processes, workspace }: Pick<Ground, "processes" | "workspace">) =>
  ({
    agent: { name: "tester", home: "", workspace, readable: [] },
    processes,
    clock: createSystemClock(),
  }) as unknown as ToolParts;

/** Calls a tool as the runtime does: wrong arguments are told, and nothing runs. */
export async function callTool(tool: Tool, given: object, more: Partial<ToolContext> = {}): Promise<ToolResult> {
  const call = { call_id: "c", tool_name: tool.definition.name, arguments: given as never };
  const fault = tool.fault(call);
  return fault === null ? tool.run(call, context(more)) : { success: false, outcome: "error", content: fault };
}
