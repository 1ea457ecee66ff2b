import { z } from "zod";

import { didYouMean, quoted } from "./suggestion.ts";

/**
 * An object in which an unknown key is an error that names the key that was likely meant.
 * The message of such an issue has one line for each key of `issue.keys`, in that order.
 */
export function strictObject<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? issue.keys.map((key) => `unknown key ${quoted(key)}${didYouMean(key, known)}`).join("\n")
        : undefined,
  });
}
