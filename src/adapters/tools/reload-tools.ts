import type { Tool } from "../../ports/tool.ts";
import { strictObject } from "../../schema/strict-object.ts";
import { defineTool, okResult } from "./define-tool.ts";
import type { ToolParts } from "./parts.ts";

/** Looks again for executables under `tools/`; what it finds can be called from the next step on. */
export function reloadToolsTool({ reloadTools }: Pick<ToolParts, "reloadTools">): Tool {
  return defineTool({
    name: "reload_tools",
    description: "Looks again for the programs under tools/, so that new and changed ones can be called.",
    arguments: strictObject({}),
    effect: "pure",
    async run() {
      const { tools, folders } = await reloadTools();
      const found = { discovered_tools: tools, count: tools.length, directories_scanned: folders };
      return okResult(JSON.stringify(found, null, 2));
    },
  });
}
