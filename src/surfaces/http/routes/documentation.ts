import { z } from "zod";

import { DuragentError } from "../../../schema/problem.ts";
import { strictObject } from "../../../schema/strict-object.ts";
import { docsPage, docsScript, readDocsAsset, welcomePage } from "../docs-page.ts";
import { json, type Reply } from "../reply.ts";
import { route } from "../route.ts";

// The page loads nothing from elsewhere and works without a network.
const policy =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

function page(contentType: string, body: string | Uint8Array): Reply {
  return { status: 200, headers: { "content-type": contentType, "content-security-policy": policy }, body };
}

const html = { description: "A page", media: "text/html", schema: z.string() };

/** The API's description of itself; holds no data of this server. */
export const documentation = [
  route({
    method: "GET",
    path: "/",
    id: "welcome",
    summary: "Where to go from here",
    responses: { 200: html },
    handle: ({ surface }) => page("text/html; charset=utf-8", welcomePage(surface.version.version)),
  }),
  route({
    method: "GET",
    path: "/openapi.json",
    id: "openapi",
    summary: "This API as an OpenAPI 3.1 document",
    responses: { 200: { description: "The document", schema: z.looseObject({ openapi: z.string() }) } },
    handle: ({ surface }) => json(200, surface.describe()),
  }),
  route({
    method: "GET",
    path: "/docs",
    id: "docs",
    summary: "The reference page",
    responses: { 200: html },
    handle: () => page("text/html; charset=utf-8", docsPage),
  }),
  route({
    method: "GET",
    path: "/docs/:asset",
    id: "docsAsset",
    summary: "A file of the reference page",
    params: strictObject({ asset: z.string().max(100) }),
    responses: { 200: { description: "The file", media: "text/javascript", schema: z.string() } },
    async handle({ params }) {
      if (params.asset === "start.js") return page("text/javascript; charset=utf-8", docsScript);
      const asset = await readDocsAsset(params.asset);
      if (!asset) throw new DuragentError("not-found", "The reference page has no such file.");
      return page(asset.contentType, asset.bytes);
    },
  }),
];
