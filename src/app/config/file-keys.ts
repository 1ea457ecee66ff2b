import { open } from "node:fs/promises";
import { resolve } from "node:path";

import { namesSecret } from "../../schema/secret.ts";
import type { YamlDocument, YamlError } from "../../schema/yaml-document.ts";
import { plainValue, type Placed } from "../../schema/yaml-tree.ts";

const suffix = "_file";
const valueBytesMax = 64 * 1024;

/**
 * Replaces every key that ends in `_file` by the key without it, its value read from that file (a newline at the end
 * is not part of it). In maps of the user's own only keys that name a secret are read; `env` and `headers` are left alone.
 */
export async function readFileKeys(document: YamlDocument, folder: string): Promise<YamlError[]> {
  const errors: YamlError[] = [];
  const visit = async (placed: Placed, path: readonly string[]): Promise<void> => {
    for (const item of placed.items ?? []) await visit(item, path);
    if (placed.members === undefined) return;
    for (const [key, { keyOffset, placed: value }] of placed.members) {
      if (!isFileKey(key, path)) {
        await visit(value, [...path, key]);
        continue;
      }
      const base = key.slice(0, -suffix.length);
      const fail = (offset: number, message: string) =>
        errors.push(document.at(offset, message, [...path, key].join(".")));
      placed.members.delete(key);
      if (placed.members.has(base)) fail(keyOffset, `"${base}" is given too; keep one of them`);
      else if (typeof value.value !== "string") fail(value.offset, "expected the path of a file");
      else {
        const read = await readValue(resolve(folder, value.value));
        if ("problem" in read) fail(value.offset, read.problem);
        else {
          const source = read.text;
          placed.members.set(base, { keyOffset, placed: { value: plainValue(source), source, offset: value.offset } });
        }
      }
    }
  };
  await visit(document.root, []);
  return errors;
}

function isFileKey(key: string, path: readonly string[]): boolean {
  if (!key.endsWith(suffix) || key.length === suffix.length) return false;
  if (path.includes("env") || path.includes("headers")) return false;
  const free = path[0] === "gateways" && path.includes("config");
  return !free || namesSecret(key.slice(0, -suffix.length));
}

async function readValue(path: string): Promise<{ text: string } | { problem: string }> {
  try {
    await using file = await open(path, "r");
    const facts = await file.stat();
    if (!facts.isFile()) return { problem: `${path} is not a file` };
    if (facts.size > valueBytesMax)
      return { problem: `${path} has ${facts.size} bytes; at most ${valueBytesMax} are read` };
    const text = (await file.readFile("utf8")).replace(/\r?\n$/, "");
    return text === "" ? { problem: `${path} is empty` } : { text };
  } catch (error) {
    if (error instanceof Error && "code" in error) return { problem: `${path} can not be read: ${String(error.code)}` };
    throw error;
  }
}
