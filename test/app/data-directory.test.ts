import assert from "node:assert/strict";
import { chmod, mkdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { tightenDataDirectory } from "../../src/app/data-directory.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

async function openFolder(path: string, mode = 0o755) {
  await mkdir(path, { recursive: true });
  await chmod(path, mode);
}
async function openFile(path: string, mode = 0o644) {
  await writeFile(path, "x");
  await chmod(path, mode);
}

test("what the server makes is closed to others; what people write only loses the right of others to write", async (t) => {
  const folder = await temporaryFolder(t);
  await chmod(folder, 0o755);
  await openFolder(join(folder, "sessions"));
  await openFile(join(folder, "server.json"));
  await openFolder(join(folder, "agents"));
  await openFolder(join(folder, "agents/a"), 0o777);
  await openFile(join(folder, "agents/a/agent.yaml"), 0o646);
  await openFile(join(folder, "policy.yaml"));
  await openFile(join(folder, ".gitignore"));

  const found = await tightenDataDirectory(folder, { apply: false });
  assert.equal(await modeOf(folder), "755", "without apply nothing changes");
  const done = await tightenDataDirectory(folder, { apply: true });
  assert.deepEqual(done, found);
  assert.deepEqual(
    await Promise.all(
      ["", "sessions", "server.json", "agents", "agents/a", "agents/a/agent.yaml", "policy.yaml", ".gitignore"].map(
        (name) => modeOf(join(folder, name)),
      ),
    ),
    ["700", "700", "600", "755", "775", "644", "644", "644"],
  );
  assert.deepEqual(await tightenDataDirectory(folder, { apply: true }), [], "a second time there is nothing to do");
});

test("a symbolic link in the data directory is not followed", async (t) => {
  const folder = await temporaryFolder(t);
  const outside = await temporaryFolder(t);
  await chmod(outside, 0o755);
  await symlink(outside, join(folder, "sessions"));
  await tightenDataDirectory(folder, { apply: true });
  assert.equal(await modeOf(outside), "755");
});
