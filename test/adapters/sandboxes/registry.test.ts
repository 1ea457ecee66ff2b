import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { openNoSandbox } from "../../../src/adapters/sandboxes/none.ts";
import { openSandbox } from "../../../src/adapters/sandboxes/registry.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { put } from "./sandboxed.ts";

const hidden = { folders: [], files: [], holders: [] };

void test("without bubblewrap `auto` goes on and says what that means; `bubblewrap` does not", async (t) => {
  const env = { PATH: await temporaryFolder(t) };
  const sandbox = await openSandbox({ mode: "auto", network: false, env, hidden });
  assert.equal(sandbox.kind, "none");
  assert.match(sandbox.warnings.join(), /no program bwrap.*without a sandbox.*Remedy: install it \(Debian/);
  await assert.rejects(openSandbox({ mode: "bubblewrap", network: false, env, hidden }), {
    code: "unprocessable",
    message: /sandbox\.mode is bubblewrap, and there is no program bwrap.*apt install bubblewrap.*sandbox\.mode: auto/,
  });
});

void test("a bubblewrap that can not make namespaces is none, and its own words are passed on", async (t) => {
  const bin = await temporaryFolder(t);
  await put(join(bin, "bwrap"), "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n", 0o755);
  const env = { PATH: `${bin}:${process.env["PATH"]}` };
  const sandbox = await openSandbox({ mode: "auto", network: false, env, hidden });
  assert.equal(sandbox.kind, "none");
  assert.match(sandbox.warnings.join(), /No permissions to create new namespace.*Remedy: allow user namespaces/);
});

void test("without a sandbox programs are started as they are, with limits at most", async () => {
  const sandbox = await openNoSandbox(process.env, ["why"]);
  const start = sandbox.confine({ argv: ["echo", "a"], cwd: "/tmp", env: { A: "1" }, writable: ["/x"], readable: [] });
  assert.deepEqual(start.argv.slice(-2), ["echo", "a"]);
  assert.deepEqual([start.cwd, start.env], ["/tmp", { A: "1" }]);
  assert.deepEqual(sandbox.warnings, ["why"]);
  assert.match(sandbox.inForce.join(), /no sandbox: commands run as the user/);
});

void test("a sandbox that was switched off says what commands can then do", async () => {
  const { warnings } = await openSandbox({ mode: "none", network: false, env: process.env, hidden });
  assert.match(warnings.join(), /sandbox\.mode is none.*its keys, its data and its API included/);
});
