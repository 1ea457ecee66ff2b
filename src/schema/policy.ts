import { z } from "zod";

import { offsetOf, parseYaml } from "./parse-yaml.ts";
import { strictObject } from "./strict-object.ts";
import { didYouMean, quoted } from "./suggestion.ts";
import { credentialsFault, hasNoCredentials } from "./url-credentials.ts";
import { readYaml, type YamlDocument, type YamlError } from "./yaml-document.ts";

const patternTypes = ["bash", "builtin", "cli", "mcp"];
const patternsMax = 2_000;
/** As a command line: what Duragent 0.5 kept for later were whole ones. */
const patternUnitsMax = 16_384;

const patternSchema = z
  .string()
  .min(1)
  .max(patternUnitsMax)
  .superRefine((written, context) => {
    const fault = faultOf(written.trim());
    if (fault !== null) context.addIssue({ code: "custom", message: fault });
  })
  .describe("TYPE:TEXT; TYPE is bash, builtin, cli, mcp or *; without a known TYPE the text stands for every type.");

/** A pattern that could never do what its writer meant. */
function faultOf(written: string): string | null {
  const colon = written.indexOf(":");
  const type = written.slice(0, Math.max(colon, 0)).toLowerCase();
  if (written === "" || (colon >= 0 && written.slice(colon + 1).trim() === ""))
    return `${quoted(written)} names nothing; write TYPE:TEXT, or TYPE:* for everything of a type`;
  if (type === "" || type === "*" || patternTypes.includes(type)) return null;
  const guess = didYouMean(type, patternTypes);
  return guess === "" ? null : `unknown type ${quoted(type)}${guess}`;
}

const patterns = z.array(patternSchema).max(patternsMax).default([]);

const webhookUrl = z
  .string()
  .refine((url) => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol), {
    message: "expected an address that begins with http:// or https://",
  })
  .refine(hasNoCredentials, { message: credentialsFault });

const deliverySchema = z.discriminatedUnion("type", [
  strictObject({ type: z.literal("log") }),
  strictObject({ type: z.literal("webhook"), url: webhookUrl }),
]);

/** policy.yaml of the workspace or of an agent, and policy.local.yaml. */
export const policyFileSchema = strictObject({
  apiVersion: z.string().optional().describe("duragent/v1alpha1"),
  kind: z.string().optional().describe("Policy"),
  mode: z
    .enum(["ask", "allow", "restrict", "dangerous"])
    .transform((mode) => (mode === "dangerous" ? "allow" : mode))
    .optional()
    .describe("What happens to calls that no pattern matches; `dangerous` is read as `allow`."),
  deny: patterns.describe("Never run, wherever in a command line it stands."),
  ask: patterns.describe("Always asked about."),
  allow: patterns.describe("Run without a question."),
  notify: strictObject({
    enabled: z.boolean().default(false),
    patterns: patterns.describe("Which calls are told about; none: all."),
    deliveries: z.array(deliverySchema).max(20).default([]).describe("Where to; none: the log."),
  }).prefault({}),
  mcp_fingerprints: z
    .record(z.string(), z.string().regex(/^[0-9a-f]{64}$/))
    .default({})
    .describe("Kept by the server: what MCP tools were when they were approved."),
});
export type PolicyFile = z.infer<typeof policyFileSchema>;

export type ReadPolicyFile =
  | {
      readonly ok: true;
      readonly policy: PolicyFile;
      /** Where a key, or an entry of its list, stands; lines count from 1. */
      lineOf(path: readonly (string | number)[]): number;
    }
  | { readonly ok: false; readonly errors: YamlError[] };

/** Parses a policy file; every error with its line and column. Variables are not replaced. */
export function readPolicyFile(bytes: Uint8Array, file: string): ReadPolicyFile {
  const read = readYaml(bytes, { file });
  if (!read.ok) return read;
  const parsed = parseYaml(read.document, policyFileSchema);
  if (!parsed.ok) return parsed;
  return { ok: true, policy: parsed.value, lineOf: (path) => lineOf(read.document, path) };
}

function lineOf(document: YamlDocument, path: readonly (string | number)[]): number {
  return document.at(offsetOf(document.root, path, false), "").line ?? 1;
}
