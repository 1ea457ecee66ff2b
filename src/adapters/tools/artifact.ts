import { z } from "zod";

import { artifactNameFault } from "../../domain/artifact.ts";
import type { ArtifactRef, ArtifactStore } from "../../ports/artifact-store.ts";
import type { Tool, ToolContext } from "../../ports/tool.ts";
import type { ToolResult } from "../../schema/session-event.ts";
import { strictObject } from "../../schema/strict-object.ts";
import { fromWholeCharacter, wholeCharacters } from "../whole-characters.ts";
import { defineTool, okResult } from "./define-tool.ts";
import { answered } from "./files/disk-fault.ts";
import { shownName } from "./files/list-files.ts";
import { entryOf, OpenFolder } from "./files/open-inside.ts";
import { resolvePath } from "./files/resolve-path.ts";
import { modeOf, temporaryName } from "./files/write-file.ts";
import type { ToolParts } from "./parts.ts";
import { ToolFault } from "./tool-fault.ts";

/** One artifact of a tool; users may keep larger ones over the API. */
const putBytesMax = 64 * 1024 * 1024;
const shownBytesMax = 256 * 1024;
/** About what a model is shown of one result if nothing else is configured. */
const partBytes = 24 * 1024;
const listedMax = 1_000;
const chunkBytes = 256 * 1024;

const name = z
  .string()
  .superRefine((text, context) => {
    const fault = artifactNameFault(text);
    if (fault !== null) context.addIssue({ code: "custom", message: `the name ${fault}` });
  })
  .describe("e.g. report.md or outputs/x.txt");

const put = strictObject({
  action: z.literal("put"),
  name,
  content: z.string().describe("put: what it is to hold; or `path`").optional(),
  path: z
    .string()
    .min(1)
    .describe("put: a file of your workspace to store. get: where in it to write a copy")
    .optional(),
}).refine(({ content, path }) => (content === undefined) !== (path === undefined), {
  message: "give either `content` or `path`",
});
const get = strictObject({
  action: z.literal("get"),
  name,
  path: z.string().min(1).optional(),
  offset: z.int().min(0).optional().describe("get: the first byte to show, of a long text"),
  limit: z
    .int()
    .min(100)
    .max(shownBytesMax)
    .optional()
    .describe(`get: how many bytes to show; ${partBytes} if only \`offset\` is given`),
}).refine(({ path, offset, limit }) => path === undefined || (offset === undefined && limit === undefined), {
  message: "give either `path` or a part to show",
});
const list = strictObject({ action: z.literal("list"), prefix: z.string().max(255).optional() });

type Put = z.output<typeof put>;
type Get = z.output<typeof get>;

type Parts = Pick<ToolParts, "agent" | "artifacts">;

/** `artifact`: files that outlast the session's workspace and that the user can fetch. */
export const artifactTool = (parts: Parts): Tool =>
  defineTool({
    name: "artifact",
    description:
      "Keeps files for the user and for later. put stores text or a file of your workspace under a name, in place of what had it; get shows a text, a long one in parts (`offset`, `limit`), or copies it into your workspace with `path`; list shows what there is.",
    arguments: z.discriminatedUnion("action", [put, get, list]),
    effect: "idempotent",
    effectOf: (given) => (given.action === "put" || isCopy(given) ? "idempotent" : "pure"),
    run: (given, context) =>
      answered("path" in given ? (given.path ?? given.name) : "the list", async () => {
        if (given.action === "put") return putOne(parts, given, context);
        return given.action === "get" ? getOne(parts, given, context) : listAll(parts, given.prefix);
      }),
  });

const isCopy = (given: { path?: string | undefined } | { prefix?: string | undefined }): boolean =>
  "path" in given && given.path !== undefined;

async function putOne({ agent, artifacts }: Parts, given: Put, { sessionId }: ToolContext): Promise<ToolResult> {
  const stored = (content: AsyncIterable<Uint8Array>) =>
    artifacts.put(agent.name, given.name, content, { session_id: sessionId });
  if (given.path === undefined)
    return storedResult(await stored(ReadableStream.from([Buffer.from(given.content ?? "")])));
  const place = await resolvePath(given.path, agent, "read");
  const { folder: above, name: file } = entryOf(place);
  await using folder = await OpenFolder.at(above);
  await using handle = await folder.read(file, place.shown);
  return storedResult(
    await stored(upTo(putBytesMax, handle.createReadStream({ highWaterMark: chunkBytes, autoClose: false }))),
  );
}

const storedResult = ({ name: stored, meta }: ArtifactRef): ToolResult =>
  okResult(`Stored ${stored} (${meta.bytes} bytes, ${meta.content_type}).`, { artifact: stored });

async function getOne({ agent, artifacts }: Parts, given: Get, context: ToolContext): Promise<ToolResult> {
  const ref = await artifacts.find(agent.name, given.name);
  if (ref === undefined)
    throw new ToolFault(`There is no artifact ${given.name}; {"action": "list"} shows what there is.`);
  const what = `${ref.name} (${ref.meta.bytes} bytes, ${ref.meta.content_type})`;
  if (given.offset !== undefined || given.limit !== undefined) return part(artifacts, ref, given);
  if (given.path === undefined) {
    const text = ref.meta.bytes > shownBytesMax ? null : textOf(await Array.fromAsync(artifacts.get(ref)));
    if (text !== null) return okResult(text);
    const why =
      ref.meta.bytes > shownBytesMax
        ? "is too long to be shown at once: `offset` and `limit` show a part"
        : "is no text";
    return okResult(`${what} ${why}; with \`path\` it is copied into your workspace.`);
  }
  const place = await resolvePath(given.path, agent, "write");
  const { folder: above, name: file } = entryOf(place);
  await using folder = await OpenFolder.at(above, { make: true });
  const mode = await modeOf(folder, file, place.shown);
  await folder.replace(file, artifacts.get(ref), { temporary: temporaryName(context), ...mode });
  return okResult(`Copied ${what} to ${place.shown}.`);
}

/** Whole characters of what was asked for, and where to go on. */
async function part(artifacts: ArtifactStore, ref: ArtifactRef, { offset = 0, limit = partBytes }: Get) {
  const total = ref.meta.bytes;
  if (offset >= total) throw new ToolFault(`${ref.name} has ${total} bytes: nothing comes after byte ${offset}.`);
  const end = Math.min(total, offset + limit);
  const read = Buffer.concat(await Array.fromAsync(artifacts.get(ref, { start: offset, end })));
  const bytes = end === total ? read : wholeCharacters(read);
  const text = textOf([fromWholeCharacter(bytes)]);
  if (text === null) return okResult(`${ref.name} is no text; with \`path\` it is copied into your workspace.`);
  const next = end - (read.length - bytes.length);
  const more = next < total ? `; go on with offset ${next}` : "";
  return okResult(`[bytes ${offset} to ${next} of ${total}${more}]\n${text}`);
}

async function listAll({ agent, artifacts }: Parts, prefix: string | undefined): Promise<ToolResult> {
  const query = { limit: listedMax + 1, ...(prefix === undefined ? {} : { prefix }) };
  const refs = await artifacts.list(agent.name, query);
  if (refs.length === 0)
    return okResult(prefix === undefined ? "No artifacts yet." : `No artifact begins with ${prefix}.`);
  const lines = refs
    .slice(0, listedMax)
    .map(
      ({ name: listed, meta }) =>
        `${shownName(listed)} (${meta.bytes} bytes, ${meta.content_type}, ${meta.created_at})`,
    );
  return okResult(`${lines.join("\n")}${refs.length > listedMax ? "\n[there is more; give a prefix]" : ""}`);
}

/** `null` for what is no UTF-8 text. */
function textOf(chunks: readonly Uint8Array[]): string | null {
  const bytes = Buffer.concat(chunks);
  try {
    return bytes.includes(0) ? null : new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

async function* upTo(bytesMax: number, content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new ToolFault(`It has more than ${bytesMax} bytes, which is too much for an artifact.`);
    yield chunk;
  }
}
