import { z } from "zod";

import { isJsonObject, type JsonObject } from "../../schema/json-object.ts";

/**
 * The JSON Schema of a tool's arguments as providers take it: an object at the top. A union by `action` becomes one object
 * with the keys of all its members; what each action needs is checked when it is called.
 */
export function toolParameters(schema: z.ZodType): JsonObject {
  const { $schema: _, ...shown } = z.toJSONSchema(schema, { io: "input" });
  const members = [shown.anyOf, shown.oneOf].flatMap((one) => (Array.isArray(one) ? one : [])).filter(isJsonObject);
  return members.length === 0 ? shown : merged(members);
}

function merged(members: readonly JsonObject[]): JsonObject {
  const properties = new Map<string, JsonObject>();
  const actions: unknown[] = [];
  for (const member of members)
    for (const [key, property] of Object.entries(objectOf(member["properties"]))) {
      if (!isJsonObject(property)) continue;
      if (property["const"] !== undefined) actions.push(property["const"]);
      else if (!properties.has(key)) properties.set(key, property);
    }
  const required = members
    .map((member): unknown[] => (Array.isArray(member["required"]) ? member["required"] : []))
    .reduce((common, next) => common.filter((key) => next.includes(key)));
  return {
    type: "object",
    properties: { action: { type: "string", enum: actions }, ...Object.fromEntries(properties) },
    required,
    additionalProperties: false,
  };
}

const objectOf = (value: unknown): JsonObject => (isJsonObject(value) ? value : {});
