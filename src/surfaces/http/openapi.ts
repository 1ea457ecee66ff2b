import { z } from "zod";

import { idempotencyKeySchema } from "../../schema/api/parameter.ts";
import { problemDocumentSchema } from "../../schema/api/problem-document.ts";
import { areaOf } from "./access/area.ts";
import type { ResponseDeclaration, Route } from "./route.ts";

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of these routes; https://spec.openapis.org/oas/v3.1.1 . */
export function openApiDocument(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:([a-z]+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Duragent",
      version,
      description: "A durable runtime for AI agents: sessions, their logs, and what they say.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    paths,
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer" } },
      schemas: { Problem: jsonSchema(problemDocumentSchema, "output") },
      responses: {
        Problem: {
          description: "What was wrong and what to do (RFC 9457)",
          content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
        },
      },
    },
  };
}

function operation(route: Route): Json {
  const parameters = [
    ...parametersOf(route.params, "path"),
    ...parametersOf(route.query, "query"),
    ...headersOf(route),
  ];
  const area = areaOf(route.path);
  return {
    operationId: route.id,
    summary: route.summary,
    tags: [tagOf(route.path)],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: !route.bodyOptional,
            content: mapValues(route.media ?? { "application/json": { schema: route.body } }, ({ schema }) => ({
              schema: jsonSchema(schema, "input"),
            })),
          },
        }),
    responses: { ...mapValues(route.responses, response), default: { $ref: "#/components/responses/Problem" } },
    ...(area === "probe" || area === "public" ? { security: [] } : { security: [{ bearer: [] }, {}] }),
  };
}

function response({ description, schema, media = "application/json" }: ResponseDeclaration): Json {
  return schema === undefined
    ? { description }
    : { description, content: { [media]: { schema: jsonSchema(schema, "output") } } };
}

function parametersOf(schema: z.ZodType | undefined, where: "path" | "query"): Json[] {
  if (schema === undefined) return [];
  const { properties, required } = objectSchema.parse(jsonSchema(schema, "input"));
  return Object.entries(properties).map(([name, property]) =>
    name === "labels"
      ? {
          name: "label.{key}",
          in: where,
          required: false,
          schema: { type: "string" },
          description: "Only sessions with this label; may come for several keys",
        }
      : { name, in: where, required: where === "path" || required.includes(name), schema: property },
  );
}

function headersOf(route: Route): Json[] {
  const header = (name: string, schema: Json, description: string) => ({
    name,
    in: "header",
    required: false,
    schema,
    description,
  });
  const found: Json[] = [];
  if (route.idempotent) {
    found.push(
      header(
        "Idempotency-Key",
        jsonSchema(idempotencyKeySchema, "input"),
        "A repeat with the same key has one effect and the same answer",
      ),
    );
  }
  if (/^(deploy|import|remove)Agent$/.test(route.id))
    found.push(header("If-Match", { type: "string" }, "Only if the agent's ETag is still this; else 412"));
  if (route.id === "sendMessage")
    found.push(header("Prefer", { type: "string" }, "respond-async: answer once the message is durable"));
  if (route.id === "followSession")
    found.push(header("Last-Event-ID", { type: "string" }, "The id of the last event that was received"));
  return found;
}

function tagOf(path: string): string {
  if (areaOf(path) === "admin") return "admin";
  return /^\/api\/v1\/([a-z]+)/.exec(path)?.[1] ?? "server";
}

const objectSchema = z.object({
  properties: z.record(z.string(), z.unknown()).default({}),
  required: z.array(z.string()).default([]),
});

function jsonSchema(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, target: "draft-2020-12" });
  return rest;
}

function mapValues<From, To>(record: Readonly<Record<string, From>>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
