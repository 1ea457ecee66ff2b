import type { z } from "zod";

import { DuragentError } from "../../../schema/problem.ts";
import { issueErrors } from "../../../schema/schema-errors.ts";

const errorsMax = 100;

/** Parses what came in; throws `bad-request` with everything that is wrong about it. `where` is for the sentence. */
export function validate<Schema extends z.ZodType>(schema: Schema, value: unknown, where: string): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = issueErrors(result.error.issues, value)
    .slice(0, errorsMax)
    .map(({ path, message }) => ({ path: join(path), message }));
  const first = errors[0];
  const named = first === undefined ? "" : `: ${first.path === "" ? "" : `${first.path} `}${first.message}`;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  throw new DuragentError("bad-request", `The ${where} is wrong${named}${more}.`, { errors });
}

function join(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === "number" ? `[${part}]` : index === 0 ? String(part) : `.${String(part)}`))
    .join("");
}
