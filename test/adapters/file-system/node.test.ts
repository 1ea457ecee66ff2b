import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { nodeFileSystem } from "../../../src/adapters/file-system/node.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

// In a container every server has the same pid, and counts from the same number.
void test("what an earlier process of this pid left half written keeps no file from being replaced", async (t) => {
  const folder = await temporaryFolder(t);
  const left = Array.from({ length: 200 }, (_, count) => `.state.json.${process.pid}.${count}.tmp`);
  for (const name of left) await writeFile(join(folder, name), "half");
  const path = join(folder, "state.json");
  await nodeFileSystem.replace(path, Buffer.from("whole"), { sync: true });
  assert.equal(await readFile(path, "utf8"), "whole");
  assert.deepEqual((await readdir(folder)).toSorted(), [...left, "state.json"].toSorted());
});
