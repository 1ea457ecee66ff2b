import { createContext, Script } from "node:vm";

/** What is wrong with arguments, or `null`. */
export type ArgumentFault = (given: unknown) => string | null;

/** Arguments that take longer to be checked are wrong: some patterns take for ever, some arguments are many. */
const checkTimeoutMs = 500;
const faultLengthMax = 2000;

const check = new Script("validate(given)");

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
  // Asked about several times on the way of one call.
  const known = new WeakMap<object, string | null>();
  return (given) => {
    const before = typeof given === "object" && given !== null ? known.get(given) : undefined;
    if (before !== undefined) return before;
    const fault = faultOf(given);
    if (typeof given === "object" && given !== null) known.set(given, fault);
    return fault;
  };

  function faultOf(given: unknown): string | null {
    try {
      // A context is what a time-out is for; it holds nobody back.
      if (check.runInContext(createContext({ validate, given }), { timeout: checkTimeoutMs }) === true) return null;
      return ajv.errorsText(validate.errors, { dataVar: "arguments" }).slice(0, faultLengthMax);
    } catch (error) {
      if (!isTimeout(error)) throw error;
      return `they take longer than ${checkTimeoutMs} ms to be checked: give less, or simpler text where it must match a pattern`;
    }
  }
}

// It comes from the context, which has an Error of its own.
const isTimeout = (error: unknown): boolean =>
  typeof error === "object" && error !== null && Reflect.get(error, "code") === "ERR_SCRIPT_EXECUTION_TIMEOUT";
