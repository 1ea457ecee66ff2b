import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { duragent } from "../support/program.ts";
import { workspace } from "./workspaces.ts";

test("a file is stored, listed and fetched from the command line, and no file of the user's is overwritten", async (t) => {
  const { folder } = await workspace(t);
  const run = (words: string[], stdin = "") => duragent(["artifact", ...words, "-a", "echo"], { cwd: folder, stdin });
  assert.equal((await run(["list"])).stdout, "No artifacts.\n");
  await writeFile(join(folder, "brief.md"), "# Brief\n");
  assert.equal((await run(["put", "brief.md"])).stdout, "stored  brief.md  (8 bytes, text/markdown)\n");
  const piped = await run(["put", "-", "--name", "in/notes", "--type", "text/x-notes", "--json"], "from a pipe");
  assert.deepEqual(
    { ...JSON.parse(piped.stdout), created_at: "", sha256: "" },
    {
      name: "in/notes",
      content_type: "text/x-notes",
      bytes: 11,
      sha256: "",
      created_at: "",
    },
  );
  assert.deepEqual((await readdir(join(folder, ".duragent/artifacts/echo"))).toSorted(), [
    "brief.md",
    "brief.md.meta.yaml",
    "in%2Fnotes",
    "in%2Fnotes.meta.yaml",
  ]);
  const listed = await run(["list", "--prefix", "in/"]);
  assert.match(listed.stdout, /NAME.*BYTES.*TYPE.*AGE\nin\/notes +11 +text\/x-notes/);
  assert.equal((await run(["get", "in/notes"])).stdout, "from a pipe");

  const missing = await run(["get", "in/note"]);
  assert.deepEqual(
    [missing.code, missing.stderr],
    [
      1,
      "error: the agent echo has no artifact in/note\nhint: `duragent artifact list -a echo` shows those there are\n",
    ],
  );
  for (const words of [
    ["put", "brief.md", "--name", ""],
    ["get", ""],
  ]) {
    const nameless = await run(words);
    assert.deepEqual([nameless.code, nameless.stderr], [2, "error: the name of an artifact can not be empty\n"]);
  }

  assert.equal((await run(["get", "in/notes", "-o", "copy"])).stdout, "made  copy\n");
  const again = await run(["get", "brief.md", "-o", "copy"]);
  assert.deepEqual(
    [again.code, again.stderr],
    [1, "error: copy is there already\nhint: name another file, or replace it with --force\n"],
  );
  assert.equal(await readFile(join(folder, "copy"), "utf8"), "from a pipe");
  assert.equal((await run(["get", "brief.md", "-o", "copy", "--force"])).code, 0);
  assert.equal(await readFile(join(folder, "copy"), "utf8"), "# Brief\n");
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.endsWith(".tmp")),
    [],
  );

  assert.match((await run(["get", "none"])).stderr, /has no artifact none/);
  assert.match((await run(["put", "none"])).stderr, /there is no file none/);
  assert.equal((await run(["put", "-"])).code, 2);
});
