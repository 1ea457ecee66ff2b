import { readlink } from "node:fs/promises";
import { z } from "zod";

import type { Tool } from "../../../ports/tool.ts";
import { strictObject } from "../../../schema/strict-object.ts";
import { defineTool, okResult } from "../define-tool.ts";
import type { ToolParts } from "../parts.ts";
import { hasCode } from "../../error-code.ts";
import { answered } from "./disk-fault.ts";
import { kindOf, OpenFolder } from "./open-inside.ts";
import { PatternWorker } from "./pattern-worker.ts";
import { resolvePath, type Place } from "./resolve-path.ts";
import { walk, type Walked } from "./walk.ts";

const listedMax = 1_000;
const batchPaths = 1_000;

type Listing = { lines: string[]; hasMore: boolean };

/** `list_files`: what is in a folder, or all paths under it that a glob fits. */
export const listFilesTool = ({ agent }: Pick<ToolParts, "agent">): Tool =>
  defineTool({
    name: "list_files",
    description: `Lists a folder; with \`glob\`, all files and folders under it whose path fits, e.g. *.md or src/**/*.ts. At most ${listedMax}.`,
    arguments: strictObject({
      path: z.string().describe("The folder; your workspace without it").optional(),
      glob: z.string().min(1).max(1_000).describe("Which; without a / in it, in any folder").optional(),
    }),
    effect: "pure",
    parallelSafe: true,
    run: ({ path = ".", glob }, { signal }) =>
      answered(path, async () => {
        const place = await resolvePath(path, agent, "read");
        const { lines, hasMore } = glob === undefined ? await listed(place) : await matching(place, glob, signal);
        const none = glob === undefined ? `${place.shown} is empty.` : `Nothing under ${place.shown} fits ${glob}.`;
        const more = hasMore ? `\n[there is more; name a folder or a narrower glob]` : "";
        return okResult(`${lines.length === 0 ? none : lines.join("\n")}${more}`);
      }),
  });

async function listed(place: Place): Promise<Listing> {
  await using folder = await OpenFolder.at(place);
  const entries = (await folder.list()).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const lines = await Promise.all(
    entries.slice(0, listedMax).map((entry) => lineOf({ folder, entry, path: entry.name })),
  );
  return { lines, hasMore: entries.length > listedMax };
}

async function matching(place: Place, glob: string, signal: AbortSignal): Promise<Listing> {
  await using worker = await PatternWorker.start({ kind: "glob", source: glob }, { signal });
  const lines: string[] = [];
  let batch: { path: string; line: string }[] = [];
  const take = async (): Promise<void> => {
    const hits = await worker.match(
      batch.map(({ path }) => path),
      listedMax + 1 - lines.length,
    );
    for (const hit of hits) lines.push(batch[hit]?.line ?? "");
    batch = [];
  };
  const walking = walk(place, signal);
  let isWhole = true;
  const isEnough = () => lines.length > listedMax;
  for (let step = await walking.next(); ; step = await (isEnough() ? walking.return(false) : walking.next())) {
    if (step.done === true) {
      isWhole = step.value;
      break;
    }
    batch.push({ path: step.value.path, line: await lineOf(step.value) });
    if (batch.length === batchPaths) await take();
  }
  await take();
  return { lines: lines.slice(0, listedMax), hasMore: !isWhole || lines.length > listedMax };
}

/** One entry: `folder/`, `file (12 bytes)`, `link -> target`. */
async function lineOf({ folder, entry, path }: Walked): Promise<string> {
  const name = shownName(path);
  if (entry.isDirectory()) return `${name}/`;
  try {
    if (entry.isSymbolicLink()) return `${name} -> ${shownName(await readlink(folder.entry(entry.name)))}`;
    return entry.isFile() ? `${name} (${(await folder.facts(entry.name)).size} bytes)` : `${name} (${kindOf(entry)})`;
  } catch (error) {
    // Gone since the folder was read.
    if (hasCode(error, "ENOENT")) return name;
    throw error;
  }
}

/** A name that would break its line stands in quotes. */
export const shownName = (name: string): string => (/\p{Cc}/u.test(name) ? JSON.stringify(name) : name);
