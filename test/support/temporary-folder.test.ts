import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { disposableFolder, temporaryFolder } from "./temporary-folder.ts";

test("a temporary folder is empty at first and gone after its test, with what was in it", async (t) => {
  let folder = "";
  await t.test("a test that leaves a file behind", async (inner) => {
    folder = await temporaryFolder(inner);
    await writeFile(join(folder, "left-behind"), "x");
  });
  assert.equal(existsSync(folder), false);
});

test("a disposable folder is gone at the end of its block", async () => {
  let path: string;
  {
    await using folder = await disposableFolder();
    path = folder.path;
    assert.equal(existsSync(path), true);
  }
  assert.equal(existsSync(path), false);
});
