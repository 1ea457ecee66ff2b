import { z } from "zod";

import type { Tool } from "../../../ports/tool.ts";
import { strictObject } from "../../../schema/strict-object.ts";
import { defineTool, okResult } from "../define-tool.ts";
import type { ToolParts } from "../parts.ts";
import { answered } from "./disk-fault.ts";
import { entryOf, OpenFolder } from "./open-inside.ts";
import { resolvePath } from "./resolve-path.ts";
import { temporaryName } from "./write-file.ts";
import { ToolFault } from "../tool-fault.ts";

const editedBytesMax = 16 * 1024 * 1024;

/** `edit_file`: one passage of a file of the workspace becomes another. */
export const editFileTool = ({ agent }: Pick<ToolParts, "agent">): Tool =>
  defineTool({
    name: "edit_file",
    description: "Replaces a passage of a text file in your workspace. `old` must occur exactly once, to the letter.",
    arguments: strictObject({
      path: z.string().min(1).describe("Relative to your workspace, or absolute inside it"),
      old: z.string().min(1).describe("The passage as it stands in the file, with enough around it to be unique"),
      new: z.string().describe("What is to stand there instead"),
    }),
    effect: "idempotent",
    run: ({ path, old, new: fresh }, context) =>
      answered(path, async () => {
        const place = await resolvePath(path, agent, "write");
        const { folder: above, name } = entryOf(place);
        await using folder = await OpenFolder.at(above);
        await using file = await folder.read(name, place.shown);
        const facts = await file.stat();
        if (facts.size > editedBytesMax)
          throw new ToolFault(`${place.shown} has ${facts.size} bytes; at most ${editedBytesMax} can be edited so.`);
        const text = textOf(await file.readFile(), place.shown);
        const edit = edited(text, { old, fresh, isRepeat: context.attempt > 1 });
        if (edit.kind === "done") return okResult(`${place.shown} reads so already; nothing was changed.`);
        if (edit.kind === "wrong") throw new ToolFault(`${place.shown} was not changed: ${edit.why}`);
        const now = await folder.facts(name);
        if (now.ino !== facts.ino || now.mtimeMs !== facts.mtimeMs || now.size !== facts.size)
          throw new ToolFault(`${place.shown} was not changed: somebody else has just changed it; read it again.`);
        await folder.replace(name, Buffer.from(edit.text), { temporary: temporaryName(context), mode: facts.mode });
        return okResult(`Changed ${place.shown}, line ${edit.line}.`);
      }),
  });

type Edit = { kind: "changed"; text: string; line: number } | { kind: "done" } | { kind: "wrong"; why: string };

/** What becomes of a text; `isRepeat`: the same edit may have been made by an attempt that was interrupted. */
export function edited(
  text: string,
  { old, fresh, isRepeat }: { old: string; fresh: string; isRepeat: boolean },
): Edit {
  if (old === fresh) return { kind: "wrong", why: "`old` and `new` are the same." };
  const count = text.split(old).length - 1;
  if (count === 0) {
    if (fresh === "" ? isRepeat : text.includes(fresh)) return { kind: "done" };
    return { kind: "wrong", why: "`old` does not occur in it. Read the file, and copy the passage to the letter." };
  }
  // A passage that was only added to still holds what it was: to replace that again would add twice.
  if (isRepeat && fresh.includes(old) && count === fresh.split(old).length - 1 && text.includes(fresh))
    return { kind: "done" };
  if (count > 1)
    return { kind: "wrong", why: `\`old\` occurs ${count} times in it. Add what stands around the one you mean.` };
  const start = text.indexOf(old);
  const line = text.slice(0, start).split("\n").length;
  return { kind: "changed", text: text.slice(0, start) + fresh + text.slice(start + old.length), line };
}

function textOf(bytes: Uint8Array, shown: string): string {
  try {
    // Its byte order mark stays, or the edit would change more than it says.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new ToolFault(
      `${shown} is not UTF-8 text, and an edit would damage it. Use a program that knows the format.`,
    );
  }
}
