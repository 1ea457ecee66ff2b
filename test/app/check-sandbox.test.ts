import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { loadConfig } from "../../src/app/config/load-config.ts";
import { checkSandbox } from "../../src/app/doctor/check-sandbox.ts";
import { openConfiguredSandbox } from "../../src/app/open-sandbox.ts";
import { put } from "../adapters/sandboxes/sandboxed.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

void test("doctor says what is in force, and warns of what is not", async (t) => {
  const cwd = await temporaryFolder(t);
  await put(join(cwd, "duragent.yaml"), "sandbox: { mode: trust }\n");
  const loaded = await loadConfig({ cwd, env: process.env });
  assert.deepEqual(loaded.warnings, []);
  const [first, ...more] = checkSandbox(await openConfiguredSandbox(loaded));
  assert.deepEqual([first?.status, /no sandbox/.test(first?.message ?? "")], ["warn", true]);
  assert.match(more.find(({ status }) => status === "warn")?.message ?? "", /sandbox\.mode is none/);
});

void test("a sandbox that is demanded and can not be had is a matter of configuration", async (t) => {
  const cwd = await temporaryFolder(t);
  await put(join(cwd, "duragent.yaml"), "sandbox: { mode: bubblewrap }\n");
  const loaded = await loadConfig({ cwd, env: { PATH: join(cwd, "empty") } });
  await assert.rejects(openConfiguredSandbox(loaded), { name: "CommandFailure", exitCode: 78 });
});
