import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";

import { temporaryFolder } from "../../support/temporary-folder.ts";
import { until } from "../../support/until.ts";
import { processesWith } from "./host-harness.ts";

test("5 s after kill -9 of the server nothing of a gateway that ignores everything is alive", async (t) => {
  const folder = await temporaryFolder(t);
  const number = `7${process.pid}${Math.floor(Math.random() * 1e9)}`;
  const program = join(import.meta.dirname, "programs/host-process.ts");
  const server = spawn(process.execPath, [program, folder, "hangs-on-shutdown", number], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => server.kill("SIGKILL"));
  await once(server.stdout, "data");
  // The server itself, the gateway and what that started.
  assert.equal((await processesWith(number)).length, 3);
  server.kill("SIGKILL");
  await until("nothing is left", async () => (await processesWith(number)).length === 0, 5_000);
});
