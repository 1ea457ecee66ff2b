import { boundedCheck, type ArgumentFault } from "../bounded-check.ts";

/** `unusable`: why the schema can not be used here; then everything passes. */
export type ArgumentCheck = { faultOf: ArgumentFault; unusable?: string };

const schemaCharactersMax = 256 * 1024;
const schemaDepthMax = 64;
const faultCharactersMax = 2_000;
// With a pattern that fits everything these would say the opposite of what they mean.
const negating = ["not", "if", "oneOf"];
const unchecked: ArgumentCheck = { faultOf: () => null };

/**
 * Compiles servers' schemas. Their regular expressions are not run: one that takes for ever would stop this process, so the server
 * alone checks those.
 */
export async function createArgumentChecks(): Promise<(schema: Record<string, unknown>) => ArgumentCheck> {
  // The client's own copy of ajv: zod can not read every schema that servers write (recursion, `dependentRequired` …).
  const { Ajv } = await import("@modelcontextprotocol/client/validators/ajv");
  const everything = Object.assign(() => ({ test: () => true }), { code: "() => ({ test: () => true })" });
  return (schema) => {
    try {
      const keys = boundedKeysOf(schema);
      const negates = negating.some((key) => keys.has(key));
      if (keys.has("patternProperties") || (keys.has("pattern") && negates)) return unchecked;
      // Without its dialect: one that is not known here says the same about nearly everything.
      const { $schema: _dialect, ...rest } = schema;
      const ajv = new Ajv({
        strict: false,
        logger: false,
        validateFormats: false,
        validateSchema: false,
        code: { regExp: everything },
      });
      const validate = ajv.compile(rest);
      const faultsIn = (): string => ajv.errorsText(validate.errors, { dataVar: "arguments" });
      const faultOf: ArgumentFault = (args) =>
        validate(args) === true ? null : faultsIn().slice(0, faultCharactersMax);
      // What takes too long is the server's to judge.
      return { faultOf: boundedCheck(faultOf, null) };
    } catch (error) {
      return { ...unchecked, unusable: error instanceof Error ? error.message.slice(0, 500) : String(error) };
    }
  };
}

function boundedKeysOf(schema: Record<string, unknown>): Set<string> {
  const length = JSON.stringify(schema).length;
  if (length > schemaCharactersMax)
    throw new Error(`the schema has ${length} characters, ${schemaCharactersMax} are read at most`);
  const keys = new Set<string>();
  const visit = (value: unknown, depth: number): void => {
    if (depth > schemaDepthMax) throw new Error(`the schema is more than ${schemaDepthMax} levels deep`);
    if (typeof value !== "object" || value === null) return;
    if (!Array.isArray(value)) for (const key of Object.keys(value)) keys.add(key);
    for (const member of Object.values(value)) visit(member, depth + 1);
  };
  visit(schema, 0);
  return keys;
}
