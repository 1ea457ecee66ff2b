import { z } from "zod";

import { sessionIdSchema } from "../ids.ts";
import { strictObject } from "../strict-object.ts";

/** NUL and lone surrogates, which not every backend can store, become U+FFFD; everything else stays as it came. */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\uFFFD");
}

/** Text that people or models write: kept as it came, as far as it can be stored. */
export const textSchema = z.string().transform(storableText);

/** A short text that names something: NUL, control characters and lone surrogates are errors, not mended. */
export const nameSchema = z
  .string()
  .min(1)
  .max(256)
  .refine(
    (name) => name.isWellFormed() && !/\p{Cc}/u.test(name),
    "must not hold control characters or lone surrogates",
  );

export const agentNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/i, "must be 1 to 63 letters, digits, _ or -, a letter or digit first");

/** A whole number in a query string: digits only, so that `1e3`, ` 5` and `+5` are errors. */
export function wholeNumber(min: number, max: number) {
  const expected = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, expected)
    .transform(Number)
    .refine((value) => value >= min && value <= max, expected);
}

export const flagSchema = z.enum(["true", "false"]).transform((text) => text === "true");

/** The value of an `Idempotency-Key` header. */
export const idempotencyKeySchema = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/, "must be 1 to 128 visible ASCII characters");

export const labelKeySchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/,
    "must be 1 to 63 letters, digits, ., _, / or -, a letter or digit first",
  );
export const labelsSchema = z
  .record(labelKeySchema, nameSchema)
  .refine((labels) => Object.keys(labels).length <= 64, "must be at most 64 labels");

export const sessionPathSchema = strictObject({ id: sessionIdSchema });
export const agentPathSchema = strictObject({ name: agentNameSchema });
