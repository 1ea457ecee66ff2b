import { importsOf, resolved, type Finding, type Import, type SourceTree } from "../source-tree.ts";

type Layer = "schema" | "domain" | "ports" | "runtime" | "adapters" | "client" | "surfaces" | "app" | "main";

type Rule = {
  /** Layers it may load; its own is meant only where it stands here. */
  values: readonly Layer[];
  /** Layers of which it may know the types besides. */
  types: readonly Layer[];
  /** Modules from outside that it may load: none, these, or any. */
  modules: readonly string[] | "any";
};

const rules: Record<Layer, Rule> = {
  // The protocol of gateways is a package of its own, for those who write some; its schemas are ours too.
  schema: { values: ["schema"], types: [], modules: ["zod", "yaml", "@duragent/gateway-protocol"] },
  // Nothing at run time: a test of it needs no fake.
  domain: { values: ["domain"], types: ["schema", "ports"], modules: [] },
  ports: { values: ["ports", "schema"], types: [], modules: [] },
  // Computes, but neither reads nor waits by itself: a whole server can be simulated.
  runtime: {
    values: ["runtime", "domain", "ports", "schema"],
    types: [],
    modules: ["node:assert/strict", "node:crypto", "lru-cache"],
  },
  adapters: { values: ["adapters", "domain", "ports", "schema"], types: ["runtime"], modules: "any" },
  client: { values: ["client", "schema"], types: [], modules: "any" },
  surfaces: { values: ["surfaces", "runtime", "client", "domain", "schema"], types: ["ports"], modules: "any" },
  app: {
    values: ["app", "surfaces", "adapters", "client", "runtime", "domain", "ports", "schema"],
    types: [],
    modules: "any",
  },
  main: {
    values: ["app", "surfaces", "adapters", "client", "runtime", "domain", "ports", "schema"],
    types: [],
    modules: "any",
  },
};

/**
 * Of these, each folder is a world of its own: an adapter knows no other kind of adapter, a surface no other surface. What
 * lies beside the folders is shared by them, and knows none of them.
 */
const separated = new Set<Layer>(["adapters", "surfaces"]);

/** Who may import whom; see `rules`. */
export function layerFindings(tree: SourceTree): Finding[] {
  return sources(tree).flatMap(([path, source]) =>
    importsOf(source).flatMap((one) => {
      const problem = problemOf(path, one);
      return problem === undefined ? [] : [{ path, problem }];
    }),
  );
}

function problemOf(path: string, { specifier, kind }: Import): string | undefined {
  const layer = layerOf(path);
  if (layer === undefined) return "stands in no layer";
  const rule = rules[layer];
  const target = resolved(path, specifier);
  if (target === undefined) {
    const allowed = kind === "type" || rule.modules === "any" || rule.modules.includes(specifier);
    return allowed ? undefined : `${layer} loads ${specifier}`;
  }
  const other = layerOf(target);
  if (other === undefined) return `imports ${target}, which is outside of src`;
  const allowed = rule.values.includes(other) || (kind === "type" && rule.types.includes(other));
  if (!allowed) return `${layer} imports ${kind === "type" ? "types of " : ""}${other} (${target})`;
  if (layer === other && separated.has(layer) && folderOf(path) !== folderOf(target) && !isShared(target)) {
    return `${folderOf(path)} imports ${folderOf(target)} (${target})`;
  }
  return undefined;
}

function layerOf(path: string): Layer | undefined {
  const name = /^src\/(?:([a-z]+)\/|(main)\.ts$)/.exec(path)?.slice(1).find(Boolean);
  return Object.keys(rules).find((layer): layer is Layer => layer === name);
}

function folderOf(path: string): string {
  return path.split("/").slice(1, 3).join("/");
}

const isShared = (path: string): boolean => path.split("/").length === 3;

// What makes two runs of the same history differ, or reaches outside past the ports.
const impure: [RegExp, string][] = [
  [/\bDate\.now\b|\bnew Date\(\)/, "reads the clock"],
  [/\bperformance\.|\bhrtime\b/, "reads the clock"],
  [/\bMath\.random\b|\brandom(UUID|Bytes|Int|FillSync)\b|\bgetRandomValues\b/, "makes random values"],
  [/\bset(Timeout|Interval|Immediate)\b|\bAbortSignal\.timeout\b/, "waits by itself"],
  [
    /(?<![.\w])process\.(?:env|exit|exitCode|pid|argv|cwd|on|once|kill|std(?:in|out|err)|nextTick|memoryUsage|uptime|platform|versions?)\b/,
    "uses the process",
  ],
  [/\bconsole\./, "prints"],
  [/\bfetch\(/, "uses the network"],
];

/** `domain/` and `runtime/` get time, chance, files and the world through ports only. */
export function impurityFindings(tree: SourceTree): Finding[] {
  return sources(tree)
    .filter(([path]) => layerOf(path) === "domain" || layerOf(path) === "runtime")
    .flatMap(([path, source]) => {
      const code = source.replace(/^\s*(?:\/\/|\/?\*).*$/gm, "").replace(/\s\/\/ .*$/gm, "");
      return impure.filter(([pattern]) => pattern.test(code)).map(([, problem]) => ({ path, problem }));
    });
}

function sources(tree: SourceTree): [string, string][] {
  return [...tree].filter(([path]) => path.startsWith("src/") && path.endsWith(".ts"));
}
