import { isJsonObject, type JsonObject } from "./json-object.ts";

// Where a variable stands, what the text becomes is known only when the file is read.
const variable = { type: "string", pattern: "\\$\\{[A-Za-z_]" };
const fileKey = { type: "string", minLength: 1, description: "The value is read from this file." };

/**
 * The JSON Schema of a file in which any scalar may hold `${VAR}` and any key may be written as `KEY_file`: an editor
 * must not call that wrong. Takes the schema of the file as it is after expansion.
 */
export function withVariables(schema: JsonObject): JsonObject {
  const changed: JsonObject = {};
  for (const [key, value] of Object.entries(schema)) changed[key] = changedMember(key, value);
  if (schema["additionalProperties"] === false) changed["patternProperties"] = { _file$: fileKey };
  return isConstrainedScalar(schema) ? { anyOf: [changed, variable] } : changed;
}

function changedMember(key: string, value: unknown): unknown {
  if (key === "properties" || key === "$defs") {
    return isJsonObject(value)
      ? Object.fromEntries(
          Object.entries(value).map(([name, one]) => [name, isJsonObject(one) ? withVariables(one) : one]),
        )
      : value;
  }
  const holdsSchemas = ["anyOf", "oneOf", "allOf", "prefixItems"].includes(key) && Array.isArray(value);
  if (holdsSchemas) return value.map((one: unknown) => (isJsonObject(one) ? withVariables(one) : one));
  return (key === "items" || key === "additionalProperties") && isJsonObject(value) ? withVariables(value) : value;
}

/** A constant tells alternatives apart, and a text that may be anything may be a variable already. */
function isConstrainedScalar(schema: JsonObject): boolean {
  if ("const" in schema) return false;
  const type = schema["type"];
  if (type === "string") return "pattern" in schema || "format" in schema || "enum" in schema;
  return type === "number" || type === "integer" || type === "boolean";
}
