import { after } from "node:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { nodeFileSystem } from "../../../../src/adapters/file-system/node.ts";
import { FileSessionStore } from "../../../../src/adapters/stores/sessions/files/store.ts";
import { testSessionStore } from "../../../suites/session-store.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

const root = await mkdtemp(join(tmpdir(), "duragent-files-"));
after(() => rm(root, { recursive: true, force: true }));

for (const durability of ["synced", "flushed"] as const) {
  testSessionStore(`files, ${durability}`, async () => {
    const clock = new ManualClock();
    const dataFolder = await mkdtemp(join(root, "data-"));
    const sessionsFolder = join(dataFolder, "sessions");
    const open = () => FileSessionStore.open({ dataFolder, sessionsFolder, fs: nodeFileSystem, clock, durability });
    return { clock, open };
  });
}
