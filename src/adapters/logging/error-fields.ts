import { inspect } from "node:util";

/** An error that causes itself, or a chain that somebody else builds, ends here. */
const causesMax = 8;

/** An error as plain fields with all that caused it, so that a redactor sees every string of it. */
export function errorFields(error: Error, depth = 0): Record<string, unknown> {
  const inner = (one: unknown) =>
    one instanceof Error && depth < causesMax ? errorFields(one, depth + 1) : inspect(one, { depth: 1 });
  return {
    type: error.name,
    message: error.message,
    ...("code" in error && { code: error.code }),
    stack: error.stack,
    ...(error.cause !== undefined && { cause: inner(error.cause) }),
    ...(error instanceof AggregateError && { errors: error.errors.slice(0, causesMax).map(inner) }),
  };
}
