import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

import { z } from "zod";

// The file is shared with other programs of this name: entries of other kinds are kept as they are.
const fileSchema = z.record(z.string(), z.looseObject({ type: z.string() }));
const keySchema = z.looseObject({ type: z.literal("api_key"), key: z.string().min(1) });

/** `~/.duragent/auth.json`; `$HOME` decides where home is. */
export function keyFilePath(env: Readonly<Record<string, string | undefined>>): string {
  const home = env["HOME"] ?? "";
  return join(home === "" ? homedir() : home, ".duragent", "auth.json");
}

async function readEntries(path: string): Promise<z.infer<typeof fileSchema>> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    throw error;
  }
  try {
    return fileSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(`${path} is not a file of keys; move it away and run \`duragent login\` again`, { cause: error });
  }
}

/** Keys by provider. Throws when the file is there and can not be read. */
export async function readStoredKeys(
  env: Readonly<Record<string, string | undefined>>,
): Promise<Record<string, string>> {
  const keys: Record<string, string> = {};
  for (const [provider, entry] of Object.entries(await readEntries(keyFilePath(env)))) {
    const parsed = keySchema.safeParse(entry);
    if (parsed.success) keys[provider] = parsed.data.key;
  }
  return keys;
}

/** Keeps one provider's key, 0600, replacing the file whole; answers with its path. */
export async function storeKey(
  env: Readonly<Record<string, string | undefined>>,
  provider: string,
  key: string,
): Promise<string> {
  const path = keyFilePath(env);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const entries = { ...(await readEntries(path)), [provider]: { type: "api_key", key } };
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, `${JSON.stringify(entries, null, 2)}\n`, { mode: 0o600 });
  // A file left by an earlier run of this pid would have kept its own mode.
  await chmod(temporary, 0o600);
  await rename(temporary, path);
  return path;
}
