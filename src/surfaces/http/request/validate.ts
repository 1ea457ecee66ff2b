import type { z } from "zod";

import { DuragentError } from "../../../schema/problem.ts";

const errorsMax = 100;

/** Parses what came in; throws `bad-request` with everything that is wrong about it. `where` is for the sentence. */
export function validate<Schema extends z.ZodType>(schema: Schema, value: unknown, where: string): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = result.error.issues.flatMap(flatten).slice(0, errorsMax);
  const first = errors[0];
  const named = first === undefined ? "" : `: ${first.path === "" ? "" : `${first.path} `}${first.message}`;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  throw new DuragentError("bad-request", `The ${where} is wrong${named}${more}.`, { errors });
}

function flatten(issue: z.core.$ZodIssue): { path: string; message: string }[] {
  if (issue.code === "unrecognized_keys") {
    const lines = issue.message.split("\n");
    return issue.keys.map((key, index) => ({
      path: join([...issue.path, key]),
      message: lines[index] ?? "unknown field",
    }));
  }
  return [{ path: join(issue.path), message: issue.message }];
}

function join(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === "number" ? `[${part}]` : index === 0 ? String(part) : `.${String(part)}`))
    .join("");
}
