import { createHash } from "node:crypto";
import { z } from "zod";

import type { Tool, ToolContext } from "../../../ports/tool.ts";
import { strictObject } from "../../../schema/strict-object.ts";
import { defineTool, okResult } from "../define-tool.ts";
import type { ToolParts } from "../parts.ts";
import { hasCode } from "../../error-code.ts";
import { answered } from "./disk-fault.ts";
import { entryOf, kindOf, OpenFolder } from "./open-inside.ts";
import { resolvePath } from "./resolve-path.ts";
import { ToolFault } from "../tool-fault.ts";

/** `write_file`: a whole file of the workspace, in one step. */
export const writeFileTool = ({ agent }: Pick<ToolParts, "agent">): Tool =>
  defineTool({
    name: "write_file",
    description: "Writes a whole file in your workspace, in place of what was there. Folders on the way are made.",
    arguments: strictObject({
      path: z.string().min(1).describe("Relative to your workspace, or absolute inside it"),
      content: z.string().describe("All that the file is to hold"),
    }),
    effect: "idempotent",
    run: ({ path, content }, context) =>
      answered(path, async () => {
        const place = await resolvePath(path, agent, "write");
        const { folder: above, name } = entryOf(place);
        await using folder = await OpenFolder.at(above, { make: true });
        const mode = await modeOf(folder, name, place.shown);
        const bytes = Buffer.from(content);
        await folder.replace(name, bytes, { temporary: temporaryName(context), ...mode });
        return okResult(`${mode.mode === undefined ? "Made" : "Replaced"} ${place.shown} (${bytes.length} bytes).`);
      }),
  });

/** The mode of the file that is to be replaced; nothing where none is. Throws ToolFault where something else is. */
export async function modeOf(folder: OpenFolder, name: string, shown: string): Promise<{ mode?: number }> {
  try {
    const facts = await folder.facts(name);
    if (!facts.isFile()) throw new ToolFault(`${shown} is a ${kindOf(facts)}; choose another path.`);
    return { mode: facts.mode };
  } catch (error) {
    if (hasCode(error, "ENOENT")) return {};
    throw error;
  }
}

/** The same in every attempt at a call, so that the next one finds what the last one left. */
export function temporaryName({ idempotencyKey }: Pick<ToolContext, "idempotencyKey">): string {
  return `.duragent-${createHash("sha256").update(idempotencyKey).digest("hex").slice(0, 24)}.tmp`;
}
