import { commandSchemas, eventSchemas } from "@duragent/gateway-protocol";
import { z } from "zod";

import { agentFileSchema } from "./agent.ts";
import { configFileSchema } from "./config-file.ts";
import { modelScriptSchema } from "./model-script.ts";
import { policyFileSchema } from "./policy.ts";
import { envelopeSchema, payloads } from "./session-event.ts";
import { withVariables } from "./with-variables.ts";

/** A JSON Schema (draft 2020-12) as it stands in a file of `schemas/`. */
export type JsonSchema = Record<string, unknown>;

type Described = { title: string; description: string; schema: z.ZodType; hasVariables?: true };

// What is only in files stands here and not in the envelope: the program never sees it outside the file store.
const fileKeys = {
  b: z.literal(1).optional().describe("First line of a write before which everything has been synced."),
  crc: z
    .string()
    .regex(/^[0-9a-f]{8}$/)
    .optional()
    .describe("CRC-32 of the line's bytes before `,\"crc\"`, seeded with the CRC-32 of the session's id."),
};

const eventLine = z.intersection(
  z.object({ ...envelopeSchema.shape, ...fileKeys }),
  z.union(
    Object.entries(payloads).map(([type, payload]) =>
      z.object({ type: z.literal(type), ...payload.shape }).meta({ title: type }),
    ),
  ),
);

/** One of several objects that are told apart by `type`. */
const tagged = (shapes: Readonly<Record<string, z.ZodObject>>, title: string, description: string) =>
  z
    .union(
      Object.entries(shapes).map(([type, shape]) =>
        z.object({ type: z.literal(type), ...shape.shape }).meta({ title: type }),
      ),
    )
    .meta({ title, description });

const gatewayLine = z.union([
  tagged(commandSchemas, "command", "From the core to the gateway, on its stdin."),
  tagged(eventSchemas, "event", "From the gateway to the core, on its stdout."),
]);

const schemas: Record<string, Described> = {
  "session-event": {
    title: "Duragent session event",
    description: "One line of a session's events.jsonl, as this version writes it. Readers keep keys they do not know.",
    schema: eventLine,
  },
  agent: {
    title: "Duragent agent",
    description: "agent.yaml of an agent's folder, in its long or its short form.",
    schema: agentFileSchema,
  },
  script: {
    title: "Duragent model script",
    description: "What a model of the provider `scripted` plays, such as script.yaml in an agent's folder.",
    schema: modelScriptSchema,
  },
  policy: {
    title: "Duragent policy",
    description: "policy.yaml of the workspace or of an agent's folder, and policy.local.yaml.",
    schema: policyFileSchema,
  },
  duragent: {
    title: "Duragent configuration",
    description: "duragent.yaml; every key has a default.",
    schema: configFileSchema,
    hasVariables: true,
  },
  "gateway-protocol": {
    title: "Duragent gateway protocol",
    description:
      "One line of what the core and a gateway tell each other (v1alpha1). Readers ignore keys and types they do not know.",
    schema: gatewayLine,
  },
};

/** Every generated file of `schemas/` by name. Equal input gives equal bytes: the files are checked in and compared. */
export function jsonSchemaFiles(): Map<string, string> {
  return new Map(
    Object.entries(schemas).map(([name, described]) => [
      `${name}.schema.json`,
      `${JSON.stringify(jsonSchema(described), null, 2)}\n`,
    ]),
  );
}

/** What may be written, not what comes out of parsing: defaults are optional, unknown keys stand as the schema says. */
function jsonSchema({ title, description, schema, hasVariables }: Described): JsonSchema {
  const { $schema, ...body } = z.toJSONSchema(schema, { io: "input" });
  return { $schema, title, description, ...(hasVariables ? withVariables(body) : body) };
}
