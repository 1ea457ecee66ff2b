import type { z } from "zod";

import { issueErrors, wantsText } from "./schema-errors.ts";
import type { YamlDocument, YamlError, YamlPath } from "./yaml-document.ts";
import type { Placed } from "./yaml-tree.ts";

export type Parsed<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly errors: YamlError[] };

/** A document as a schema sees it; every error with the place of what it is about. */
export function parseYaml<Value>(document: YamlDocument, schema: z.ZodType<Value>): Parsed<Value> {
  // `version: 1.0` is a number to YAML and a text to the schema: the schema is right. Each pass may uncover more.
  for (;;) {
    const written = plain(document.root);
    const parsed = schema.safeParse(written);
    if (parsed.success) return { ok: true, value: parsed.data };
    const retyped = wantsText(parsed.error.issues).filter((path) => retype(placedAt(document.root, path)));
    if (retyped.length === 0)
      return { ok: false, errors: located(document, issueErrors(parsed.error.issues, written)) };
  }
}

/** What the tree holds, without places. */
export function plain(placed: Placed): unknown {
  if (placed.members !== undefined) {
    return Object.fromEntries([...placed.members].map(([key, member]) => [key, plain(member.placed)]));
  }
  return placed.items === undefined ? placed.value : placed.items.map(plain);
}

/** Where a key or a value stands; of something that is missing, where its parent does. */
export function offsetOf(root: Placed, path: YamlPath, ofKey: boolean): number {
  let placed = root;
  let keyOffset = root.offset;
  for (const [index, segment] of path.entries()) {
    const member = placed.members?.get(String(segment));
    const next = member?.placed ?? placed.items?.[Number(segment)];
    if (next === undefined) return keyOffset;
    keyOffset = member?.keyOffset ?? next.offset;
    placed = next;
    if (index === path.length - 1) return ofKey ? keyOffset : next.offset;
  }
  return placed.offset;
}

function located(
  document: YamlDocument,
  errors: readonly { path: YamlPath; ofKey: boolean; message: string }[],
): YamlError[] {
  return errors
    .map((error) => ({ ...error, offset: offsetOf(document.root, error.path, error.ofKey) }))
    .toSorted((a, b) => a.offset - b.offset)
    .map(({ offset, message, path }) => document.at(offset, message, pathText(path)));
}

/** `tools[0].name` */
export function pathText(path: YamlPath): string {
  return path
    .map((segment, index) => {
      if (typeof segment === "number") return `[${segment}]`;
      return index === 0 ? String(segment) : `.${String(segment)}`;
    })
    .join("");
}

function placedAt(root: Placed, path: YamlPath): Placed | undefined {
  return path.reduce<Placed | undefined>(
    (placed, segment) => placed?.members?.get(String(segment))?.placed ?? placed?.items?.[Number(segment)],
    root,
  );
}

function retype(placed: Placed | undefined): boolean {
  if (placed?.source === undefined || typeof placed.value === "string") return false;
  placed.value = placed.source;
  return true;
}
