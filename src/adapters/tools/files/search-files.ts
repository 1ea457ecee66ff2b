import { z } from "zod";

import type { Tool } from "../../../ports/tool.ts";
import { strictObject } from "../../../schema/strict-object.ts";
import { defineTool, okResult } from "../define-tool.ts";
import type { ToolParts } from "../parts.ts";
import { hasCode } from "../../error-code.ts";
import { answered } from "./disk-fault.ts";
import { shownName } from "./list-files.ts";
import { entryOf, OpenFolder } from "./open-inside.ts";
import { PatternWorker } from "./pattern-worker.ts";
import { resolvePath, type Place } from "./resolve-path.ts";
import { walk } from "./walk.ts";
import { ToolFault } from "../tool-fault.ts";

const hitsMax = 200;
/** Bigger files are no sources. */
const fileBytesMax = 4 * 1024 * 1024;
const allBytesMax = 512 * 1024 * 1024;
/** Of a line that matches, around nothing in particular: it is there to be recognised. */
const lineShownMax = 400;
const lookedAtBytes = 8 * 1024;

type Search = { place: Place; worker: PatternWorker; hits: string[]; bytesLeft: number; passedOver: number };

/** `search_files`: lines of text files that a regular expression fits. */
export const searchFilesTool = ({ agent }: Pick<ToolParts, "agent">): Tool =>
  defineTool({
    name: "search_files",
    description: `Finds lines of text files by a regular expression (JavaScript's; (?i) before it ignores case). Gives PATH:LINE: TEXT, at most ${hitsMax}. Leaves out .git, node_modules, binary files and files above 4 MiB.`,
    arguments: strictObject({
      pattern: z.string().min(1).max(1_000),
      path: z.string().describe("A folder or a file; your workspace without it").optional(),
    }),
    effect: "pure",
    parallelSafe: true,
    run: ({ pattern, path = "." }, { signal }) =>
      answered(path, async () => {
        const place = await resolvePath(path, agent, "read");
        await using worker = await PatternWorker.start({ kind: "expression", source: pattern }, { signal });
        const search: Search = { place, worker, hits: [], bytesLeft: allBytesMax, passedOver: 0 };
        const isWhole = (await isFile(place)) ? await searchFile(search) : await searchFolder(search, signal);
        const { hits, passedOver } = search;
        const none = `No line under ${place.shown} fits ${pattern}.`;
        const more =
          isWhole && hits.length <= hitsMax ? "" : "\n[there may be more; name a folder or a narrower pattern]";
        const over = passedOver === 0 ? "" : `\n[${passedOver} files above ${fileBytesMax} bytes were left out]`;
        return okResult(`${hits.length === 0 ? none : hits.slice(0, hitsMax).join("\n")}${more}${over}`);
      }),
  });

async function isFile(place: Place): Promise<boolean> {
  if (place.inside === "") return false;
  const { folder: above, name } = entryOf(place);
  await using folder = await OpenFolder.at(above);
  return !(await folder.facts(name)).isDirectory();
}

/** `false`: not all of it was looked at. */
async function searchFile(search: Search): Promise<boolean> {
  const { folder: above, name } = entryOf(search.place);
  await using folder = await OpenFolder.at(above);
  await using file = await folder.read(name, search.place.shown);
  const { size } = await file.stat();
  if (size > fileBytesMax)
    throw new ToolFault(`${search.place.shown} has ${size} bytes; at most ${fileBytesMax} are searched.`);
  await searchText(search, search.place.shown, await file.readFile());
  return true;
}

async function searchFolder(search: Search, signal: AbortSignal): Promise<boolean> {
  const { place } = search;
  const walking = walk(place, signal);
  const isEnough = () => search.hits.length > hitsMax || search.bytesLeft <= 0;
  for (let step = await walking.next(); ; step = await (isEnough() ? walking.return(false) : walking.next())) {
    if (step.done === true) return step.value;
    const { folder, entry, path } = step.value;
    if (!entry.isFile()) continue;
    const bytes = await readSmall(search, folder, entry.name);
    if (bytes !== null)
      await searchText(search, place.inside === "" && place.shown === "." ? path : `${place.shown}/${path}`, bytes);
  }
}

/** The bytes of a file; `null` for one that is too big, or not to be had. */
async function readSmall(search: Search, folder: OpenFolder, name: string): Promise<Uint8Array | null> {
  try {
    await using file = await folder.read(name, name);
    const { size } = await file.stat();
    if (size > fileBytesMax) search.passedOver += 1;
    return size > fileBytesMax ? null : await file.readFile();
  } catch (error) {
    // Gone, or no longer a file, since its folder was read; or not for us.
    if (error instanceof ToolFault || hasCode(error, "ENOENT", "ELOOP", "EACCES")) return null;
    throw error;
  }
}

async function searchText(search: Search, shown: string, bytes: Uint8Array): Promise<void> {
  search.bytesLeft -= bytes.length;
  if (bytes.subarray(0, lookedAtBytes).includes(0)) return;
  const lines = new TextDecoder().decode(bytes).split(/\r?\n/);
  const found = await search.worker.match(lines, hitsMax + 1 - search.hits.length);
  for (const index of found) {
    const line = lines[index] ?? "";
    const text = line.length > lineShownMax ? `${line.slice(0, lineShownMax)}…` : line;
    search.hits.push(`${shownName(shown)}:${index + 1}: ${text}`);
  }
}
