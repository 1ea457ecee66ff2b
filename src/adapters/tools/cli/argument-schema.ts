import { runInNewContext } from "node:vm";

/** What is wrong with arguments, or `null`. */
export type ArgumentFault = (given: unknown) => string | null;

/** A pattern that takes longer on an argument is taken not to fit: some take for ever. */
const patternTimeoutMs = 100;
const faultLengthMax = 2000;

/**
 * Compiles the `parameters` of a tool. Throws Error where they are no JSON Schema that can be checked. Not zod, whose
 * reading of JSON Schema passes over `required` without `properties` and `properties` without `type`.
 */
export async function argumentSchema(parameters: Record<string, unknown>): Promise<ArgumentFault> {
  // The copy of ajv that comes with the MCP client.
  const { Ajv } = await import("@modelcontextprotocol/client/validators/ajv");
  const boundedPattern = Object.assign(
    (pattern: string, flags: string) => {
      const expression = new RegExp(pattern, flags);
      return { test: (text: string) => isMatch(expression, text) };
    },
    { code: "new RegExp" },
  );
  const ajv = new Ajv({ strict: false, logger: false, validateFormats: false, code: { regExp: boundedPattern } });
  const { $schema: _dialect, ...schema } = parameters;
  const validate = ajv.compile(schema);
  return (given) =>
    validate(given) === true
      ? null
      : ajv.errorsText(validate.errors, { dataVar: "arguments" }).slice(0, faultLengthMax);
}

function isMatch(expression: RegExp, text: string): boolean {
  try {
    return runInNewContext("expression.test(text)", { expression, text }, { timeout: patternTimeoutMs }) === true;
  } catch {
    // Only the time-out can throw here.
    return false;
  }
}
