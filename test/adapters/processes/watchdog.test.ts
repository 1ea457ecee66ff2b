import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

import { Watchdog } from "../../../src/adapters/processes/watchdog.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { until } from "../../support/until.ts";

test("a shell that ends at once is started a few times, and then only with the next thing to watch", async (t) => {
  const folder = await temporaryFolder(t);
  const [shell, starts] = [join(folder, "shell"), join(folder, "starts")];
  await writeFile(shell, `#!/bin/sh\necho started >> ${starts}\n`, { mode: 0o755 });
  const count = async (): Promise<number> => (await readFile(starts, "utf8").catch(() => "")).split("\n").length - 1;
  const settle = async (): Promise<void> => {
    for (let index = 0; index < 20; index += 1) await promisify(execFile)("/bin/true");
  };
  const watchdog = new Watchdog(shell);
  t.after(() => watchdog.close());
  const forget = [watchdog.watch(999_999, "MARK=one")];
  await until("the last start", async () => (await count()) >= 4);
  await settle();
  assert.equal(await count(), 4);
  forget.push(watchdog.watch(999_998, "MARK=two"));
  await until("another start", async () => (await count()) >= 5);
  await settle();
  assert.equal(await count(), 5);
  for (const one of forget) one();
});
