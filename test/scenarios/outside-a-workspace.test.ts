import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { test } from "node:test";

import { duragent, servedFolder } from "../support/program.ts";

test("outside of a workspace commands that only read say so and make nothing", async (t) => {
  const cwd = await servedFolder(t);
  for (const args of [
    ["agent", "list"],
    ["agent", "show", "x"],
    ["agent", "export", "x"],
    ["artifact", "list", "-a", "x"],
    ["attach"],
    ["memory", "search", "-a", "x"],
    ["session", "list"],
    ["session", "verify"],
  ]) {
    const { code, stderr } = await duragent(args, { cwd });
    assert.deepEqual(
      { code, stderr },
      {
        code: 1,
        stderr:
          "error: there is no workspace here (no .duragent, no duragent.yaml)\nhint: run `duragent init`, or cd to the workspace\n",
      },
      args.join(" "),
    );
  }
  assert.deepEqual(await readdir(cwd), []);

  const chat = await duragent(["chat"], { cwd });
  assert.equal(chat.code, 1);
  assert.match(chat.stderr, /^\(there was no workspace here: \S+\.duragent is made\)\nerror: there is no agent yet/);
});

test("a configuration that is no file is refused, and nothing is made beside it", async (t) => {
  const cwd = await servedFolder(t);
  for (const path of ["/dev/null", "."]) {
    const { code, stderr } = await duragent(["--config", path, "session", "list"], { cwd });
    assert.equal(code, 78, stderr);
    assert.match(stderr, /is no file/);
  }
  assert.deepEqual(await readdir(cwd), []);
});
