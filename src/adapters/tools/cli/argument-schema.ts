import { boundedCheck, checkTimeoutMs, type ArgumentFault } from "../../bounded-check.ts";

const faultLengthMax = 2000;

const late = `they take longer than ${checkTimeoutMs} ms to be checked: give less, or simpler text where it must match a pattern`;

/**
 * Compiles the `parameters` of a tool. Throws Error where they are no JSON Schema that can be checked. Not zod, whose
 * reading of JSON Schema passes over `required` without `properties` and `properties` without `type`.
 */
export async function argumentSchema(parameters: Record<string, unknown>): Promise<ArgumentFault> {
  // The copy of ajv that comes with the MCP client.
  const { Ajv } = await import("@modelcontextprotocol/client/validators/ajv");
  const ajv = new Ajv({ strict: false, logger: false, validateFormats: false });
  const { $schema: _dialect, ...schema } = parameters;
  const validate = ajv.compile(schema);
  const faultOf: ArgumentFault = (given) =>
    validate(given) === true
      ? null
      : ajv.errorsText(validate.errors, { dataVar: "arguments" }).slice(0, faultLengthMax);
  return boundedCheck(faultOf, late);
}
