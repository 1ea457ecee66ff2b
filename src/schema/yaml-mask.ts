/** A reference to a variable, or `$$`, as it stands in the text. Offsets are UTF-16 units. */
export type Reference = {
  readonly offset: number;
  readonly length: number;
} & (
  | { readonly name: string; readonly fallback: string | undefined }
  | { readonly text: string }
  | { readonly wrong: string }
);

/** The text with every reference replaced by as many fillers, so that positions stay true and no value can change the structure. */
export type Masked = { readonly text: string; readonly filler: string; readonly references: readonly Reference[] };

// What a scalar of YAML may hold and nobody writes.
const fillers = ["\uE000", "\uE001", "\uE002", "\uE003", "\uF8FF"];

/** Finds `${VAR}`, `${VAR:-default}` and `$$`; any other `$` is a dollar. A reference ends on its own line. */
export function maskReferences(text: string): Masked {
  const filler = fillers.find((candidate) => !text.includes(candidate)) ?? "\uE000";
  const references: Reference[] = [];
  const masked = text.replaceAll(/\$\$|\$\{[^}\n]*\}?/g, (written, offset: number) => {
    references.push({ offset, length: written.length, ...meaning(written) });
    return filler.repeat(written.length);
  });
  return { text: masked, filler, references };
}

function meaning(
  written: string,
): { name: string; fallback: string | undefined } | { text: string } | { wrong: string } {
  if (written === "$$") return { text: "$" };
  if (!written.endsWith("}")) return { wrong: 'no "}" closes this "${" on its line; write $$ for a dollar' };
  const match = /^\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?\}$/.exec(written);
  const name = match?.[1];
  if (name === undefined) return { wrong: "expected ${NAME} or ${NAME:-default}; write $$ for a dollar" };
  return { name, fallback: match?.[2] };
}

export type Unmasked = {
  readonly text: string;
  readonly changed: boolean;
  readonly problems: readonly { offset: number; message: string }[];
};

/**
 * A scalar's text with the values put back. `range` is where the scalar stands in the source: its references are
 * those that begin there, in their order.
 */
export function unmask(
  scalar: string,
  range: { start: number; end: number },
  masked: Masked,
  variable: (name: string) => string | undefined,
): Unmasked {
  if (!scalar.includes(masked.filler)) return { text: scalar, changed: false, problems: [] };
  const problems: { offset: number; message: string }[] = [];
  let next = firstAtOrAfter(masked.references, range.start);
  let text = "";
  let from = 0;
  for (let at = scalar.indexOf(masked.filler); at !== -1; at = scalar.indexOf(masked.filler, from)) {
    const reference = masked.references[next];
    // More fillers than references: the source itself holds that character.
    if (reference === undefined || reference.offset >= range.end) break;
    next += 1;
    text += scalar.slice(from, at);
    from = at + reference.length;
    if ("text" in reference) text += reference.text;
    else if ("wrong" in reference) problems.push({ offset: reference.offset, message: reference.wrong });
    else {
      const value = variable(reference.name);
      if ((value === undefined || value === "") && reference.fallback !== undefined) text += reference.fallback;
      else if (value !== undefined) text += value;
      else problems.push({ offset: reference.offset, message: missing(reference.name) });
    }
  }
  return { text: text + scalar.slice(from), changed: true, problems };
}

const missing = (name: string): string =>
  `the variable ${name} is not set; set it in the environment or in .env, or write \${${name}:-default}`;

function firstAtOrAfter(references: readonly Reference[], offset: number): number {
  let low = 0;
  let high = references.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((references[middle]?.offset ?? 0) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
