import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { mutantsNamed } from "./mutant.ts";

const root = join(import.meta.dirname, "../..");

// To run them takes long; that one has lost its place is seen at once.
void test("every mutant can still be put into the source, and its test is there", async () => {
  const lost: string[] = [];
  for (const { name, file, find, test: path } of await mutantsNamed([])) {
    const times = (await readFile(join(root, file), "utf8")).split(find).length - 1;
    if (times !== 1) lost.push(`${name}: its text stands ${times} times in ${file}`);
    if (!existsSync(join(root, path))) lost.push(`${name}: there is no ${path}`);
  }
  assert.deepEqual(lost, []);
});
