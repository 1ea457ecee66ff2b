import { z } from "zod";

import { sessionPathSchema } from "../../../schema/api/parameter.ts";
import { exportQuerySchema } from "../../../schema/api/session.ts";
import { markdownTranscript } from "../markdown-transcript.ts";
import { route } from "../route.ts";

export const exports = [
  route({
    method: "GET",
    path: "/api/v1/sessions/:id/export",
    id: "exportSession",
    summary: "The log as JSON lines, or the conversation as Markdown",
    params: sessionPathSchema,
    query: exportQuerySchema,
    responses: { 200: { description: "The log, byte for byte", media: "application/jsonl", schema: z.string() } },
    async handle({ surface, params, query }) {
      const view = await surface.sessions.get(params.id);
      if (query.format === "markdown") {
        const body = markdownTranscript(view, await surface.sessions.messages(params.id, {}));
        return { status: 200, headers: attachment(`${params.id}.md`, "text/markdown; charset=utf-8"), body };
      }
      const body = ReadableStream.from(surface.sessions.exportLog(params.id));
      return { status: 200, headers: attachment(`${params.id}.jsonl`, "application/jsonl"), body };
    },
  }),
];

function attachment(name: string, contentType: string): Record<string, string> {
  return { "content-type": contentType, "content-disposition": `attachment; filename="${name}"` };
}
