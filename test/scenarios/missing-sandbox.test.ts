import assert from "node:assert/strict";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { duragent } from "../support/program.ts";
import { workspace } from "./workspaces.ts";

const why = /there is no program bwrap on the PATH: commands of agents run without a sandbox[^\n]*install it/;

test("where there is no sandbox the chat, its /status, serve status and doctor warn of it, with why and the remedy", async (t) => {
  const { folder } = await workspace(t);
  const programs = join(folder, "programs");
  await mkdir(programs);
  await symlink(process.execPath, join(programs, "node"));
  const options = { cwd: folder, env: { PATH: programs } };

  const chat = await duragent(["chat", "-v"], { ...options, stdin: "/status\n" });
  assert.match(chat.stderr.split("\n").slice(0, 2).join("\n"), why, "at once, under the first line");
  assert.match(chat.stderr, new RegExp(`echo · .*\\nwarning: ${why.source}`));
  const quiet = await duragent(["chat"], { ...options, stdin: "hello\n" });
  assert.equal(quiet.stderr, "", "a pipe that asks for nothing is told nothing");
  assert.match((await duragent(["serve", "status"], options)).stdout, why);
  const { sandbox } = JSON.parse((await duragent(["serve", "status", "--json"], options)).stdout).checks;
  assert.equal(sandbox.kind, "none");
  assert.match(
    (await duragent(["doctor"], options)).stdout,
    /Sandbox\n {2}warn {2}no sandbox: commands run as the user/,
  );
});
