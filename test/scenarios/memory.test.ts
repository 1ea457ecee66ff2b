import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
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

const remembering = {
  "keeper/agent.yaml": `name: keeper
model: { provider: scripted, name: ./script.yaml }
session: { on_disconnect: continue }
memory: {}
tools: { builtin: [session] }
hooks: { after_tool: [{ match: "memory:recall", message: "Be brief." }] }
`,
  "keeper/policy.yaml": "mode: allow\n",
  "keeper/script.yaml": `rules:
  - { when: '^remember (.*)', tool: { name: memory, arguments: { action: remember, content: '{{1}}' } } }
  - { when: '^recall', tool: { name: memory, arguments: { action: recall } } }
  - { when: '^note (.*)', tool: { name: session, arguments: { action: notes, content: '{{1}}' } } }
  - { after_tool: memory, say: '{{result}}' }
  - { after_tool: session, say: '{{result}}' }
`,
};

test("an agent remembers over sessions and restarts, in files that people read, and keeps notes in its prompt", async (t) => {
  const { folder } = await workspace(t, remembering);
  const ask = async (...words: string[]) => (await duragent(["run", "-a", "keeper", ...words], { cwd: folder })).stdout;
  assert.equal(await ask("remember tea, not coffee"), "Remembered.\n");
  await duragent(["serve", "stop"], { cwd: folder });
  assert.match(await ask("recall"), /note: tea, not coffee\n\n\[steering\] Be brief\.\n$/);
  const [day = ""] = (await readdir(join(folder, ".duragent/memory"))).filter((name) => name.endsWith(".md"));
  const text = await readFile(join(folder, ".duragent/memory", day), "utf8");
  assert.match(
    text,
    /^# \d{4}-\d{2}-\d{2}\n\n## Notes\n\n- \(keeper\) tea, not coffee <!-- duragent [0-9a-f]{12} -->\n$/,
  );

  const first = await duragent(["run", "-a", "keeper", "--json", "note the plan"], { cwd: folder });
  const [id = ""] = /session_[0-9A-Z]{26}/.exec(first.stdout) ?? [];
  assert.equal(await readFile(join(folder, ".duragent/sessions", id, "memory/working.md"), "utf8"), "the plan\n");
  await duragent(["chat", "-s", id], { cwd: folder, stdin: "recall\n" });
  const log = await duragent(["session", "export", id], { cwd: folder });
  assert.match(log.stdout, /"type":"turn_start"[^\n]*"notes":"the plan"/);
});
