import { z } from "zod";

/** Something that must never be printed: shows as `***` wherever it is logged, written out or inspected. */
export class Secret<Value = string> {
  readonly #value: Value;

  constructor(value: Value) {
    this.#value = value;
  }

  /** The value itself, for the one place that needs it. */
  reveal(): Value {
    return this.#value;
  }

  toString(): string {
    return "***";
  }

  toJSON(): string {
    return "***";
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return "***";
  }
}

/** Text that is wrapped as soon as it has been read. */
export const secretText = z
  .string()
  .min(1)
  .transform((text) => new Secret(text));

/** Whether a key of a free map usually holds a secret. */
export function namesSecret(key: string): boolean {
  return /token|secret|passw|credential|authorization|cookie|(^|[_-])key$|apikey/i.test(key);
}

/** Every text inside `Secret`s of 8 characters and more: what logs and events must not show. Longest first. */
export function secretsIn(value: unknown): string[] {
  const found = new Set<string>();
  collect(value, false, found);
  return [...found].filter((text) => text.length >= 8).toSorted((a, b) => b.length - a.length);
}

function collect(value: unknown, secret: boolean, found: Set<string>): void {
  if (value instanceof Secret) {
    const revealed: unknown = value.reveal();
    if (typeof revealed === "string") addText(revealed, found);
    else collect(revealed, true, found);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    // A wrapped map is private as a whole, but only some of its values are words that must be struck from texts.
    if (secret && typeof member === "string" && namesSecret(key)) addText(member, found);
    else collect(member, secret, found);
  }
}

function addText(text: string, found: Set<string>): void {
  // `Authorization: Bearer …` must not show without its first word either.
  found.add(text.replace(/^(Bearer|Basic) +/i, ""));
  const password = /^[a-z][a-z0-9+.-]*:\/\/[^/@:]*:([^/@]+)@/i.exec(text)?.[1];
  if (password !== undefined) found.add(password);
}
