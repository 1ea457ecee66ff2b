import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { nodeFileSystem } from "../../../src/adapters/file-system/node.ts";
import { meteredFileSystem } from "../../../src/adapters/metrics/metered-file-system.ts";
import { openMetrics } from "../../../src/adapters/metrics/prometheus.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const counted = async (metrics: { render(): Promise<string> }, name: string) =>
  (await metrics.render()).split("\n").filter((line) => line.startsWith(name));

test("syncs that succeed are counted, and what is written is what was given", async (t) => {
  const metrics = await openMetrics({ version: "1" });
  const files = meteredFileSystem(nodeFileSystem, metrics);
  const path = join(await temporaryFolder(t), "log");
  const handle = await files.open(path, "create");
  await handle.write(new TextEncoder().encode("event\n"), 0);
  await handle.sync();
  await handle.sync();
  await handle.close();
  assert.equal(new TextDecoder().decode(await files.readFile(path)), "event\n");
  assert.deepEqual(await counted(metrics, "duragent_syncs_total"), ["duragent_syncs_total 2"]);
  assert.deepEqual(await counted(metrics, "duragent_store_errors_total"), []);
});

test("an operation that fails is counted by its name, and fails all the same", async (t) => {
  const metrics = await openMetrics({ version: "1" });
  const files = meteredFileSystem(nodeFileSystem, metrics);
  const folder = await temporaryFolder(t);
  await assert.rejects(files.rename(join(folder, "a"), join(folder, "b")), { code: "ENOENT" });
  const handle = await files.open(join(folder, "log"), "create");
  await handle.close();
  await assert.rejects(handle.sync());
  assert.deepEqual(await counted(metrics, "duragent_store_errors_total"), [
    'duragent_store_errors_total{operation="rename"} 1',
    'duragent_store_errors_total{operation="sync"} 1',
  ]);
  assert.deepEqual(await counted(metrics, "duragent_syncs_total"), ["duragent_syncs_total 0"]);
});
