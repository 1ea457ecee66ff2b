import type { IncomingMessage } from "node:http";
import { z } from "zod";

import { artifactBytesMax, artifactNameFault } from "../../../domain/artifact.ts";
import type { ArtifactRef } from "../../../ports/artifact-store.ts";
import {
  artifactListQuerySchema,
  artifactListSchema,
  artifactPathSchema,
  artifactSchema,
  type ArtifactBody,
} from "../../../schema/api/artifact.ts";
import { agentPathSchema } from "../../../schema/api/parameter.ts";
import { DuragentError } from "../../../schema/problem.ts";
import { agentNamed } from "../agent-named.ts";
import { attachmentHeaders } from "../attachment.ts";
import { json, type Reply } from "../reply.ts";
import { bodyFrom } from "../body-from.ts";
import { byteRange } from "../request/byte-range.ts";
import { uploadSchema } from "../request/upload.ts";
import { route } from "../route.ts";
import type { Surface } from "../surface.ts";

const pageDefault = 100;
const binary = z.string().meta({ contentEncoding: "binary" });
const wholeAnswer = { media: "*/*", schema: binary };

/** Files that an agent and its users keep. */
export const artifacts = [
  route({
    method: "GET",
    path: "/api/v1/agents/:name/artifacts",
    id: "listArtifacts",
    summary: "An agent's artifacts, by name",
    params: agentPathSchema,
    query: artifactListQuerySchema,
    responses: { 200: { description: "A page of them", schema: artifactListSchema } },
    async handle({ surface, params: { name }, query: { prefix, limit = pageDefault, cursor } }) {
      const page = { ...(prefix === undefined ? {} : { prefix }), ...(cursor === undefined ? {} : { after: cursor }) };
      const found = await surface.artifacts.list(name, { ...page, limit: limit + 1 });
      // An agent that came with a session, or is gone, may have left some.
      if (found.length === 0) await agentNamed(surface.agents, name);
      const shown = found.slice(0, limit);
      const last = found.length > limit ? shown.at(-1) : undefined;
      return json(200, {
        artifacts: shown.map(bodyOf),
        ...(last === undefined ? {} : { next_cursor: last.name }),
      });
    },
  }),
  route({
    method: "GET",
    path: "/api/v1/agents/:name/artifacts/:artifact",
    id: "getArtifact",
    summary: "The bytes of an artifact, or a range of them; / in its name is written %2F",
    params: artifactPathSchema,
    responses: {
      200: { description: "All of it; the ETag is its SHA-256", ...wholeAnswer },
      206: { description: "The range that was asked for", ...wholeAnswer },
      304: { description: "Unchanged" },
    },
    async handle({ surface, params, incoming }) {
      const ref = await find(surface, params);
      const etag = `"${ref.meta.sha256}"`;
      if (incoming.headers["if-none-match"]?.includes(etag)) return { status: 304, headers: { etag }, body: null };
      return download(surface, ref, incoming);
    },
  }),
  route({
    method: "PUT",
    path: "/api/v1/agents/:name/artifacts/:artifact",
    id: "putArtifact",
    summary: "Stores the body, of any type, under a name; another artifact of that name is replaced",
    params: artifactPathSchema,
    body: uploadSchema,
    bodyOptional: true,
    media: { "*/*": { schema: binary } },
    streamed: true,
    responses: {
      200: { description: "It took the place of another", schema: artifactSchema },
      201: { description: "It is new", schema: artifactSchema },
    },
    async handle({ surface, params: { name, artifact }, incoming }) {
      await agentNamed(surface.agents, name);
      refuseUnfit(artifact, incoming);
      const before = await surface.artifacts.find(name, artifact);
      const type = incoming.headers["content-type"];
      const meta = type !== undefined && isHeaderText(type) ? { content_type: type } : {};
      const ref = await surface.artifacts.put(name, artifact, uploaded(incoming), meta);
      return json(before === undefined ? 201 : 200, bodyOf(ref), { etag: `"${ref.meta.sha256}"` });
    },
  }),
];

async function find(surface: Surface, { name, artifact }: { name: string; artifact: string }): Promise<ArtifactRef> {
  const ref = await surface.artifacts.find(name, artifact);
  if (ref !== undefined) return ref;
  await agentNamed(surface.agents, name);
  throw new DuragentError("not-found", `The agent ${name} has no artifact of this name; GET …/artifacts lists them.`);
}

/** Before a byte of the body is read. */
function refuseUnfit(name: string, { headers }: IncomingMessage): void {
  const fault = artifactNameFault(name);
  if (fault !== null) {
    throw new DuragentError("bad-request", `This can not be an artifact's name: it ${fault}.`, {
      errors: [{ path: "artifact", message: fault }],
    });
  }
  if (headers["content-encoding"] !== undefined)
    throw new DuragentError("unsupported-media-type", "A body here must come as it is, without a Content-Encoding.");
  if (Number(headers["content-length"] ?? 0) > artifactBytesMax)
    throw new DuragentError("too-large", `An artifact has at most ${artifactBytesMax} bytes.`);
}

async function* uploaded(incoming: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    yield* incoming;
  } catch (error) {
    throw new DuragentError("bad-request", "The connection ended before the body did; nothing was stored.", {
      cause: error,
    });
  }
}

/** What anybody stored is never shown as a page of this server: a browser saves it. */
async function download(surface: Surface, ref: ArtifactRef, { headers, method }: IncomingMessage): Promise<Reply> {
  const { bytes, sha256, content_type: type } = ref.meta;
  const etag = `"${sha256}"`;
  const condition = headers["if-range"];
  const asked = condition === undefined || condition === etag ? byteRange(headers.range, bytes) : null;
  if (asked === "unsatisfiable")
    throw new DuragentError("range-not-satisfiable", `The artifact has ${bytes} bytes, none of them in the range.`);
  const { start, end } = asked ?? { start: 0, end: bytes };
  const common = {
    ...attachmentHeaders(ref.name),
    "content-type": isHeaderText(type) ? type : "application/octet-stream",
    "content-length": `${end - start}`,
    "accept-ranges": "bytes",
    etag,
  };
  const body = method === "HEAD" ? null : await bodyFrom(surface.artifacts.get(ref, { start, end }));
  return asked === null
    ? { status: 200, headers: common, body }
    : { status: 206, headers: { ...common, "content-range": `bytes ${start}-${end - 1}/${bytes}` }, body };
}

const isHeaderText = (text: string): boolean => /^[\x20-\x7e]{1,255}$/.test(text);

const bodyOf = ({ name, url, meta }: ArtifactRef): ArtifactBody => ({
  name,
  ...meta,
  ...(url === undefined ? {} : { url }),
});
