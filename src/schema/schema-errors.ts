import type { z } from "zod";

import { didYouMean, quoted } from "./suggestion.ts";

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** One thing that is wrong; `ofKey`: with the key rather than with its value. */
export type SchemaError = { readonly path: Path; readonly ofKey: boolean; readonly message: string };

/** What a schema found wrong, one error for each key or value, in words for whoever wrote it. Never shows a value but for the choices of a list. */
export function issueErrors(issues: readonly Issue[], written: unknown): SchemaError[] {
  return issues
    .flatMap((issue) => flatten(issue, []))
    .flatMap(({ issue, path }): SchemaError[] => {
      if (issue.code === "unrecognized_keys") {
        const messages = issue.message.split("\n");
        return issue.keys.map((key, index) => ({
          path: [...path, key],
          ofKey: true,
          message: messages[index] ?? `unknown key ${quoted(key)}`,
        }));
      }
      return [{ path, ofKey: false, message: message(issue, valueAt(written, path)) }];
    });
}

/** The paths at which some schema wanted text and got something else. */
export function wantsText(issues: readonly Issue[], prefix: Path = []): Path[] {
  return issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path];
    if (issue.code === "invalid_union") return issue.errors.flatMap((branch) => wantsText(branch, path));
    if (issue.code === "invalid_type" && issue.expected === "string") return [path];
    if (issue.code === "invalid_value" && issue.values.some((value) => typeof value === "string")) return [path];
    return [];
  });
}

/** Read as others for files that are older; nobody who writes one now is to be led to them. */
const olderValues: ReadonlySet<string> = new Set(["dangerous", "trust", "docker"]);

type Flat = { issue: Issue; path: Path };

// Of alternatives, the one that at least has the right outer shape is what was meant.
function flatten(issue: Issue, prefix: Path): Flat[] {
  const path = [...prefix, ...issue.path];
  if (issue.code !== "invalid_union" || !issue.message.startsWith("Invalid input")) return [{ issue, path }];
  const meant = issue.errors.find((branch) => branch.length > 0 && branch.every((inner) => !isOuterMismatch(inner)));
  return meant === undefined ? [{ issue, path }] : meant.flatMap((inner) => flatten(inner, path));
}

const isOuterMismatch = (issue: Issue): boolean => issue.code === "invalid_type" && issue.path.length === 0;

function message(issue: Issue, value: unknown): string {
  switch (issue.code) {
    case "invalid_type":
      if (value === undefined) return `is missing; expected ${described(issue.expected)}`;
      // With a message of its own a schema says more than the type.
      if (!issue.message.startsWith("Invalid input")) return issue.message;
      return `expected ${described(issue.expected)}, found ${kindOf(value)}`;
    case "invalid_value":
      if (!/^Invalid (input|option)/.test(issue.message)) return issue.message;
      return choice(
        issue.values.map(String).filter((one) => !olderValues.has(one)),
        value,
      );
    case "too_small":
      return bound("at least", issue.minimum, issue.inclusive, issue.origin);
    case "too_big":
      return bound("at most", issue.maximum, issue.inclusive, issue.origin);
    case "invalid_union":
      if (value === undefined && issue.message.startsWith("Invalid input")) return "is missing";
      return issue.message.startsWith("Invalid input") ? `does not fit, found ${kindOf(value)}` : issue.message;
    default:
      return issue.message;
  }
}

function choice(values: readonly string[], found: unknown): string {
  const expected = values.length === 1 ? `expected ${values[0]}` : `expected one of ${values.join(", ")}`;
  if (found === undefined) return `is missing; ${expected}`;
  if (typeof found !== "string") return `${expected}, found ${kindOf(found)}`;
  return `${expected}, found ${quoted(found)}${didYouMean(found, values)}`;
}

function bound(words: string, limit: number | bigint, inclusive: boolean | undefined, origin: string): string {
  if (origin === "string") return limit === 1 ? "must not be empty" : `expected ${words} ${limit} characters`;
  if (origin === "array" || origin === "record" || origin === "set") return `expected ${words} ${limit} entries`;
  if (inclusive === false) return words === "at least" ? `expected more than ${limit}` : `expected less than ${limit}`;
  return `expected ${words} ${limit}`;
}

const words: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "a map",
  record: "a map",
  array: "a list",
};

const described = (type: string): string => words[type] ?? type;

function kindOf(value: unknown): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number" && !Number.isInteger(value)) return "a number that is not whole";
  return described(typeof value);
}

function valueAt(written: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, segment) => {
    if (typeof value !== "object" || value === null) return undefined;
    return Object.entries(value).find(([key]) => key === String(segment))?.[1];
  }, written);
}
