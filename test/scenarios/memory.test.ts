import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { unpackTar } from "modern-tar";

import { duragent } from "../support/program.ts";
import { workspace } from "./workspaces.ts";

test("what people wrote into memory is found, shown safely and exported from the command line", async (t) => {
  const { folder } = await workspace(t);
  const memory = join(folder, ".duragent/memory");
  await mkdir(join(memory, "world"), { recursive: true });
  await writeFile(
    join(memory, "2026-11-21.md"),
    "# 2026-11-21\n\n## Decisions Made\n\n- Postgres\n  and \u001b[31mred\n",
  );
  await writeFile(join(memory, "world/databases.md"), "Postgres is at :5432.\n");
  const run = (...words: string[]) => duragent(["memory", ...words], { cwd: folder });

  const found = await run("search", "postgres", "-a", "echo");
  assert.equal(
    found.stdout,
    "world/databases\n  Postgres is at :5432.\n2026-11-21 decision\n  Postgres\n  and ␛[31mred\n",
  );
  const decisions = await run("search", "-a", "echo", "--kind", "decision", "--json");
  assert.deepEqual(JSON.parse(decisions.stdout).memories, [
    { kind: "decision", content: "Postgres\nand \u001b[31mred", day: "2026-11-21" },
  ]);
  assert.equal((await run("search", "mongo", "-a", "echo")).stdout, "Nothing was found.\n");

  const made = await run("export", "-a", "echo", "-o", "echo.tar");
  assert.equal(made.stdout, "made  echo.tar\n");
  const files = await unpackTar(await readFile(join(folder, "echo.tar")));
  assert.deepEqual(
    files.map(({ header }) => header.name),
    ["world/databases.md", "2026-11-21.md"],
  );
  const again = await run("export", "-a", "echo", "-o", "echo.tar");
  assert.deepEqual([again.code, again.stderr], [1, "error: echo.tar is there already\nhint: name another file\n"]);
  const nobody = await run("search", "x", "-a", "nobody");
  assert.match(nobody.stderr, /agent 'nobody' not found/);
  assert.equal((await run("search", "x")).code, 2);
});
