import type { Document, Node, ParsedNode, Scalar } from "yaml";
import { isAlias, isMap, isScalar, isSeq } from "yaml";

import { quoted } from "./suggestion.ts";
import { unmask, type Masked } from "./yaml-mask.ts";

/** A value and where it stands; `source` is a plain scalar's own text, for where the schema wants text. */
export type Placed = {
  value: unknown;
  readonly offset: number;
  readonly source?: string;
  readonly members?: Map<string, { readonly keyOffset: number; readonly placed: Placed }>;
  readonly items?: readonly Placed[];
};

export type TreeProblem = { readonly offset: number; readonly message: string };

const depthMax = 64;
/** After aliases have been followed. */
const nodesMax = 100_000;
const textUnitsMax = 4 * 1024 * 1024;

class TooMuch extends Error {}

export type TreeOptions = { masked?: Masked; variable?: (name: string) => string | undefined };

/** The document's values with their places. Keys without a value are left out: they are not set. */
export function buildTree(document: Document.Parsed, options: TreeOptions): { root: Placed; problems: TreeProblem[] } {
  const builder = new TreeBuilder(options);
  const empty: Placed = { value: {}, offset: 0, members: new Map() };
  try {
    const root = document.contents === null ? undefined : builder.build(document.contents, 0);
    return { root: root === undefined || root.value === null ? empty : root, problems: builder.problems };
  } catch (error) {
    if (!(error instanceof TooMuch)) throw error;
    return { root: empty, problems: builder.problems };
  }
}

class TreeBuilder {
  readonly problems: TreeProblem[] = [];
  // Not the library's own look-up: that walks the whole document for every alias.
  readonly #anchors = new Map<string, Node>();
  readonly #options: TreeOptions;
  #nodes = 0;
  #textUnits = 0;

  constructor(options: TreeOptions) {
    this.#options = options;
  }

  /** `undefined`: a reference that became nothing. */
  build(node: Node, depth: number): Placed | undefined {
    const offset = startOf(node);
    this.#nodes += 1;
    if (this.#nodes > nodesMax) this.#stop(offset, `more than ${nodesMax} values, aliases followed`);
    if (depth > depthMax) this.#stop(offset, `nested more than ${depthMax} levels deep`);
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      if (target === undefined) {
        this.problems.push({ offset, message: `no anchor is named ${quoted(node.source)}` });
        return { value: null, offset };
      }
      const built = this.build(target, depth + 1);
      return built === undefined ? undefined : { ...built, offset };
    }
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (isMap(node)) return this.#map(node.items, offset, depth);
    if (isSeq(node)) return this.#list(node.items, offset, depth);
    if (isScalar(node)) return this.#scalar(node, offset);
    return { value: null, offset };
  }

  #map(pairs: readonly { key: unknown; value: unknown }[], offset: number, depth: number): Placed {
    const members = new Map<string, { keyOffset: number; placed: Placed }>();
    const seen = new Set<string>();
    for (const { key, value } of pairs) {
      if (!isScalar(key)) {
        this.problems.push({ offset: isNode(key) ? startOf(key) : offset, message: "expected a word as key" });
        continue;
      }
      const keyOffset = startOf(key);
      const name = this.#text(String(key.value), key).text;
      if (seen.has(name))
        this.problems.push({ offset: keyOffset, message: `the key ${quoted(name)} stands here twice` });
      if (name === "__proto__")
        this.problems.push({ offset: keyOffset, message: `the key ${quoted(name)} is not allowed` });
      seen.add(name);
      const placed = isNode(value) ? this.build(value, depth + 1) : undefined;
      if (placed !== undefined && placed.value !== null) members.set(name, { keyOffset, placed });
    }
    return { value: {}, offset, members };
  }

  #list(nodes: readonly unknown[], offset: number, depth: number): Placed {
    const items = nodes.flatMap((node) => {
      const placed = isNode(node) ? this.build(node, depth + 1) : { value: null, offset };
      return placed === undefined ? [] : [placed];
    });
    return { value: [], offset, items };
  }

  #scalar(node: Scalar, offset: number): Placed | undefined {
    const { text, changed } = this.#text(typeof node.value === "string" ? node.value : "", node);
    if (changed && text === "") return undefined;
    this.#textUnits += text.length;
    if (this.#textUnits > textUnitsMax) this.#stop(offset, "too much text, aliases followed");
    if (node.tag !== undefined && node.tag !== "tag:yaml.org,2002:str") {
      this.problems.push({ offset, message: `the tag ${quoted(node.tag)} is not supported` });
    }
    const plain = node.type === "PLAIN" && node.tag === undefined;
    return plain ? { value: plainValue(text), offset, source: text } : { value: text, offset };
  }

  #text(text: string, node: Scalar): { text: string; changed: boolean } {
    const { masked, variable } = this.#options;
    if (masked === undefined || !node.range) return { text, changed: false };
    const range = { start: node.range[0], end: node.range[1] };
    const unmasked = unmask(text, range, masked, variable ?? (() => undefined));
    this.problems.push(...unmasked.problems);
    return unmasked;
  }

  #stop(offset: number, message: string): never {
    this.problems.push({ offset, message });
    throw new TooMuch(message);
  }
}

/** A plain scalar as YAML 1.2's core schema types it. */
export function plainValue(text: string): unknown {
  if (/^(null|Null|NULL|~|)$/.test(text)) return null;
  if (/^(true|True|TRUE)$/.test(text)) return true;
  if (/^(false|False|FALSE)$/.test(text)) return false;
  if (/^[-+]?[0-9]+$/.test(text) || /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/.test(text))
    return Number(text);
  if (/^0o[0-7]+$/.test(text) || /^0x[0-9a-fA-F]+$/.test(text)) return Number(text);
  return text;
}

const startOf = (node: Node): number => node.range?.[0] ?? 0;
const isNode = (value: unknown): value is ParsedNode =>
  isAlias(value) || isMap(value) || isSeq(value) || isScalar(value);
