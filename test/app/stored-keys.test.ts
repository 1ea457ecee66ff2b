import assert from "node:assert/strict";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { keyFilePath, readStoredKeys, storeKey } from "../../src/app/stored-keys.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

test("a stored key is found again, in a file that only its user can read", async (t) => {
  const env = { HOME: await temporaryFolder(t) };
  assert.deepEqual(await readStoredKeys(env), {});
  const path = await storeKey(env, "openai", "sk-1");
  await storeKey(env, "anthropic", "sk-2");
  assert.deepEqual(await readStoredKeys(env), { openai: "sk-1", anthropic: "sk-2" });
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal((await stat(join(env.HOME, ".duragent"))).mode & 0o777, 0o700);
});

test("entries of another kind in the file are kept and are no keys", async (t) => {
  const env = { HOME: await temporaryFolder(t) };
  await mkdir(join(env.HOME, ".duragent"));
  const other = { type: "o_auth", access: "a", refresh: "r", expires: 1 };
  await writeFile(keyFilePath(env), JSON.stringify({ anthropic: other }));
  await storeKey(env, "openai", "sk-1");
  assert.deepEqual(await readStoredKeys(env), { openai: "sk-1" });
  assert.deepEqual(JSON.parse(await readFile(keyFilePath(env), "utf8")).anthropic, other);
});

test("a file that is no list of keys is refused by name and left as it is", async (t) => {
  const env = { HOME: await temporaryFolder(t) };
  await mkdir(join(env.HOME, ".duragent"));
  await writeFile(keyFilePath(env), "not json");
  await assert.rejects(storeKey(env, "openai", "sk-1"), /auth\.json is not a file of keys/);
  assert.equal(await readFile(keyFilePath(env), "utf8"), "not json");
});
