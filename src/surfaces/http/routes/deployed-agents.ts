import { z } from "zod";

import { packAgent, unpackAgent } from "../../../client/agent-archive.ts";
import { packageBytesMax, packageDepthMax, packageFilesMax } from "../../../domain/agent-package.ts";
import { deployedAgentSchema } from "../../../schema/api/agent.ts";
import { agentPathSchema } from "../../../schema/api/parameter.ts";
import { DuragentError } from "../../../schema/problem.ts";
import { readYaml, yamlBytesMax } from "../../../schema/yaml-document.ts";
import type { Arrived } from "../call.ts";
import { json, noContent, type Reply } from "../reply.ts";
import { parseJsonText } from "../request/json-text.ts";
import { utf8Text } from "../request/read-body.ts";
import { uploadSchema, type Upload } from "../request/upload.ts";
import { route } from "../route.ts";

const gzip = "application/gzip";
const binary = z.string().meta({ contentEncoding: "binary" });
const definition = z.looseObject({}).describe("An agent's definition, as schemas/agent.schema.json describes it");
const packageMedia = { [gzip]: { schema: binary, bytesMax: packageBytesMax } };
const limits = { bytesMax: packageBytesMax, filesMax: packageFilesMax, depthMax: packageDepthMax };
const deployed = {
  200: { description: "What became of it; the ETag is that of the agent now", schema: deployedAgentSchema },
};

/** Agents that come and go while the server runs. */
export const deployedAgents = [
  route({
    method: "POST",
    path: "/api/v1/admin/agents",
    id: "deployAgent",
    summary: "Deploys an agent: its definition, or its folder as .tar.gz",
    body: uploadSchema,
    media: {
      "application/yaml": { schema: z.string() },
      "application/json": { schema: definition },
      ...packageMedia,
    },
    responses: deployed,
    handle: ({ surface, incoming, body }) => deploy({ surface, incoming }, body),
  }),
  route({
    method: "POST",
    path: "/api/v1/admin/agents/import",
    id: "importAgent",
    summary: "Deploys an agent from what an export gave",
    body: uploadSchema,
    media: packageMedia,
    responses: deployed,
    handle: ({ surface, incoming, body }) => deploy({ surface, incoming }, body),
  }),
  route({
    method: "GET",
    path: "/api/v1/admin/agents/:name/export",
    id: "exportAgent",
    summary: "The agent's whole folder as .tar.gz, for another server's import",
    params: agentPathSchema,
    responses: { 200: { description: "The package", media: gzip, schema: binary } },
    async handle({ surface, params: { name } }) {
      const body = await packAgent(name, await surface.deployment.pack(name));
      const headers = { "content-type": gzip, "content-disposition": `attachment; filename="${name}.tar.gz"` };
      return { status: 200, headers, body };
    },
  }),
  route({
    method: "DELETE",
    path: "/api/v1/admin/agents/:name",
    id: "removeAgent",
    summary: "Takes a deployed agent back; running turns end with the version that they started with",
    params: agentPathSchema,
    responses: { 204: { description: "It is gone; a static agent of its name answers again" } },
    async handle({ surface, incoming, params }) {
      await surface.deployment.remove(params.name, conditionOf(incoming.headers["if-match"]));
      return noContent();
    },
  }),
];

async function deploy({ surface, incoming }: Pick<Arrived, "surface" | "incoming">, upload: Upload): Promise<Reply> {
  const whole =
    upload.media === gzip
      ? await unpackAgent(upload.bytes, limits)
      : { files: new Map([["agent.yaml", definitionOf(upload)]]), executable: new Set<string>() };
  const { agent, action } = await surface.deployment.deploy(whole, conditionOf(incoming.headers["if-match"]));
  return json(200, { agent: agent.name, action }, { etag: `"${agent.digest}"` });
}

/** The bytes of agent.yaml. Throws `bad-request` with the place for what is not even YAML or JSON. */
function definitionOf({ media, bytes }: Upload): Uint8Array {
  if (bytes.length > yamlBytesMax)
    throw new DuragentError(
      "too-large",
      `An agent's definition has at most ${yamlBytesMax} bytes; this has ${bytes.length}.`,
    );
  const text = utf8Text(bytes);
  // Written anew, because not all white space of JSON is white space of YAML.
  const source = media === "application/json" ? JSON.stringify(parseJsonText(text), null, 2) : text;
  const read = readYaml(source, { file: "agent.yaml" });
  if (read.ok) return new TextEncoder().encode(source);
  const errors = read.errors.map(({ line, column, message }) => ({
    path: "",
    message: line === undefined ? message : `${message} (line ${line}, column ${column})`,
  }));
  throw new DuragentError("bad-request", `The body can not be read: ${errors[0]?.message ?? "it is not YAML"}.`, {
    errors,
  });
}

/** `If-Match` (RFC 9110, 13.1.1): one of the tags, or any agent at all. */
function conditionOf(header: string | undefined): ((digest: string | null) => boolean) | undefined {
  if (header === undefined) return undefined;
  const tags = header.split(",").map((tag) => tag.trim());
  return (digest) => digest !== null && (tags.includes("*") || tags.includes(`"${digest}"`));
}
