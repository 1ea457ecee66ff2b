import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { duragent, servedFolder } from "../support/program.ts";
import { until } from "../support/until.ts";

test("lists show the last used first, what waits for an answer, and whole names to a pipe", async (t) => {
  const folder = await servedFolder(t);
  const run = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await duragent(args, { cwd: folder });
    assert.equal(code, 0, stderr);
    return stdout;
  };
  await run("init", "--demo");
  const older = (await run("run", "-a", "demo", "--detach", "run date")).trim();
  const newer = (await run("run", "-a", "demo", "--detach", "hello")).trim();
  const shown = async (id: string) => JSON.parse(await run("session", "show", id, "--json"));
  await until("the answer", async () => (await shown(newer)).activity === "idle");
  await until("the question", async () => (await shown(older)).activity === "awaiting_approval");

  const facts = await run("session", "show", older);
  assert.match(facts, /^waits for +an answer whether bash may run: date \(asked 2/m);
  assert.match(facts, /^usage +\d+ tokens \(\d+ read, \d+ written\)/m);
  assert.doesNotMatch(facts, /[{}]/);

  // Used again: it stands first although it is older.
  const chat = await duragent(["chat", "-s", older], { cwd: folder, stdin: "/deny\nrun date\n" });
  assert.equal(chat.code, 1, "a question waits");
  for (const list of [
    ["session", "list"],
    ["attach", "-l"],
  ]) {
    const [, first, second] = (await run(...list)).split("\n");
    assert.match(first ?? "", new RegExp(`^${older} +demo +awaiting_approval `));
    assert.match(second ?? "", new RegExp(`^${newer} +demo +(active|running) `));
  }
  assert.equal(JSON.parse(await run("session", "list", "--json", "--limit", "1")).sessions[0].session_id, older);

  const name = `${"long/".repeat(20)}name.txt`;
  await writeFile(join(folder, "some.txt"), "text\n");
  await run("artifact", "put", "some.txt", "-a", "demo", "--name", name);
  assert.ok((await run("artifact", "list", "-a", "demo")).includes(`${name} `));
});
