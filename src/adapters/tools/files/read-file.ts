import type { FileHandle } from "node:fs/promises";
import { getMimeType } from "hono/utils/mime";
import { z } from "zod";

import type { Tool } from "../../../ports/tool.ts";
import { strictObject } from "../../../schema/strict-object.ts";
import { defineTool, okResult } from "../define-tool.ts";
import type { ToolParts } from "../parts.ts";
import { answered } from "./disk-fault.ts";
import { entryOf, OpenFolder } from "./open-inside.ts";
import { resolvePath } from "./resolve-path.ts";
import { ToolFault } from "../tool-fault.ts";

const linesDefault = 2_000;
const linesMax = 100_000;
/** Of what one call gives. */
const resultBytesMax = 256 * 1024;
const chunkBytes = 256 * 1024;
/** Lines are counted from the beginning: further on in a file that takes too long. */
const countedBytesMax = 256 * 1024 * 1024;
/** A file whose first bytes hold a NUL is no text. */
const lookedAtBytes = 8 * 1024;

/** `read_file`: text of the workspace, of skills and of tools. */
export const readFileTool = ({ agent }: Pick<ToolParts, "agent">): Tool =>
  defineTool({
    name: "read_file",
    description: `Reads a text file. Gives at most ${linesDefault} lines (or \`limit\`) and 256 KiB at once, and says how to go on.`,
    arguments: strictObject({
      path: z.string().min(1).describe("Relative to your workspace, or absolute inside it or a skill's folder"),
      offset: z.int().min(1).describe("The first line to read, counted from 1").optional(),
      limit: z.int().min(1).max(linesMax).describe(`So many lines; ${linesDefault} without it`).optional(),
    }),
    effect: "pure",
    parallelSafe: true,
    run: ({ path, offset = 1, limit = linesDefault }, { signal }) =>
      answered(path, async () => {
        const place = await resolvePath(path, agent, "read");
        const { folder: above, name } = entryOf(place);
        await using folder = await OpenFolder.at(above);
        await using file = await folder.read(name, place.shown);
        const { size } = await file.stat();
        await refuseBinary(file, { shown: place.shown, size });
        const found = await readLines(file, { offset, limit, signal });
        if (found.lines === 0 && size > 0) {
          throw new ToolFault(`${place.shown} has ${found.linesSeen} lines; there is no line ${offset}.`);
        }
        const next = offset + found.lines;
        const cut = found.isCut ? `\n[line ${next - 1} is longer than what fits here and was cut]` : "";
        const more = found.hasMore ? `\n[${size} bytes in all; go on with offset: ${next}]` : "";
        return okResult(`${found.text}${cut}${more}`);
      }),
  });

async function refuseBinary(file: FileHandle, { shown, size }: { shown: string; size: number }): Promise<void> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(lookedAtBytes), 0, lookedAtBytes, 0);
  if (!buffer.subarray(0, bytesRead).includes(0)) return;
  const type = getMimeType(shown) ?? "application/octet-stream";
  throw new ToolFault(`${shown} is no text: ${size} bytes of ${type}. Use a program that knows the format.`);
}

type Lines = { text: string; lines: number; linesSeen: number; hasMore: boolean; isCut: boolean };

/** Lines from `offset` on, as many whole ones as fit; a first line that does not fit is cut. */
async function readLines(
  file: FileHandle,
  { offset, limit, signal }: { offset: number; limit: number; signal: AbortSignal },
): Promise<Lines> {
  const kept: Buffer[] = [];
  let keptBytes = 0;
  let line = 1;
  let position = 0;
  const done = (facts: { hasMore: boolean; isCut?: boolean }): Lines => {
    const isOpenEnded = keptBytes > 0 && kept.at(-1)?.at(-1) !== newline;
    const lines = Math.max(0, line - offset) + (isOpenEnded ? 1 : 0);
    // As a stream, so that a character that was cut in two is left out; what is no UTF-8 is replaced.
    const text = new TextDecoder().decode(Buffer.concat(kept), { stream: facts.isCut === true });
    return { text, lines, linesSeen: line - 1 + (lastByte === newline ? 0 : 1), isCut: false, ...facts };
  };
  let lastByte: number | undefined = newline;
  for (;;) {
    signal.throwIfAborted();
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, position);
    if (bytesRead === 0) return done({ hasMore: false });
    if (position > countedBytesMax)
      throw new ToolFault(
        `Lines are counted up to ${countedBytesMax} bytes only, and line ${offset} lies behind that.`,
      );
    const chunk = buffer.subarray(0, bytesRead);
    position += bytesRead;
    lastByte = chunk.at(-1);
    let start = 0;
    while (start < chunk.length) {
      const end = chunk.indexOf(newline, start);
      const stop = end < 0 ? chunk.length : end + 1;
      if (line >= offset) {
        if (line >= offset + limit) return done({ hasMore: true });
        if (keptBytes + stop - start > resultBytesMax) return tooMuch(chunk.subarray(start));
        kept.push(chunk.subarray(start, stop));
        keptBytes += stop - start;
      }
      if (end >= 0) line += 1;
      start = stop;
    }
  }

  function tooMuch(rest: Buffer): Lines {
    const whole = Buffer.concat(kept);
    const end = whole.lastIndexOf(newline) + 1;
    if (end > 0) {
      kept.splice(0, kept.length, whole.subarray(0, end));
      return done({ hasMore: true });
    }
    kept.push(rest.subarray(0, resultBytesMax - keptBytes));
    keptBytes = resultBytesMax;
    return done({ hasMore: true, isCut: true });
  }
}

const newline = 0x0a;
