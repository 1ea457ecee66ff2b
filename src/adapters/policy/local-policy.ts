import { join } from "node:path";
import { isMap, isSeq, parseDocument, YAMLMap, YAMLSeq, type Document } from "yaml";

import { localPolicyName } from "../../domain/policy/file-names.ts";
import type { FileSystem } from "../../ports/file-system.ts";
import { DuragentError } from "../../schema/problem.ts";
import { parsePolicy } from "./policy-file.ts";

const begin = `# What "always allow" added. Yours to edit: comments and order stay.
`;

export type LocalAddition = {
  readonly patterns: readonly string[];
  readonly fingerprints: Readonly<Record<string, string>>;
};

/**
 * Adds to policy.local.yaml of an agent's folder, whole or not at all, and synced once this resolves; what a human wrote
 * there stays as it is. Nothing is written that is there already. Throws `storage-failed`; `conflict` for a file that is broken.
 */
export async function addToLocalPolicy(folder: string, addition: LocalAddition, fs: FileSystem): Promise<void> {
  const path = join(folder, localPolicyName);
  try {
    await add(path, addition, fs);
  } catch (error) {
    if (error instanceof DuragentError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new DuragentError("storage-failed", `${path} can not be written: ${why}; look at the disk, then try again`, {
      cause: error,
      retryable: true,
    });
  }
}

async function add(path: string, addition: LocalAddition, fs: FileSystem): Promise<void> {
  const before = (await fs.size(path)) === null ? null : await fs.readFile(path);
  const bytes = before ?? new Uint8Array();
  const { problems } = parsePolicy(bytes, path);
  const [problem] = problems;
  if (problem !== undefined)
    throw new DuragentError("conflict", `${path} can not be added to: ${problem.message}; mend it first`);
  const document = parseDocument(new TextDecoder().decode(bytes));
  const hasChanged = [addPatterns(document, addition.patterns), addFingerprints(document, addition.fingerprints)];
  if (!hasChanged.includes(true)) return;
  const text = document.toString({ lineWidth: 0 });
  await fs.replace(path, new TextEncoder().encode(before === null ? begin + text : text), { sync: true });
}

function addPatterns(document: Document, patterns: readonly string[]): boolean {
  const list = document.get("allow");
  const known: unknown = isSeq(list) ? list.toJSON() : [];
  const fresh = patterns.filter((pattern) => !(Array.isArray(known) && known.includes(pattern)));
  if (fresh.length === 0) return false;
  const grown = isSeq(list) ? list : new YAMLSeq();
  for (const pattern of fresh) grown.add(document.createNode(pattern));
  // `allow: []` would grow to one long line.
  if (!isSeq(list) || list.items.length === fresh.length) grown.flow = false;
  if (!isSeq(list)) document.set("allow", grown);
  return true;
}

function addFingerprints(document: Document, fingerprints: LocalAddition["fingerprints"]): boolean {
  const key = "mcp_fingerprints";
  const map = document.get(key);
  const fresh = Object.entries(fingerprints).filter(([name, value]) => !isMap(map) || map.get(name) !== value);
  if (fresh.length === 0) return false;
  const grown = isMap(map) ? map : new YAMLMap();
  for (const [name, value] of fresh) grown.set(name, value);
  if (!isMap(map)) document.set(key, grown);
  return true;
}
