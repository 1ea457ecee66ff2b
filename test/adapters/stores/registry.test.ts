import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { nodeFileSystem as fs } from "../../../src/adapters/file-system/node.ts";
import { openArtifactStore, openSessionStore } from "../../../src/adapters/stores/registry.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

test("every backend of the registry opens", async (t) => {
  const dataFolder = await temporaryFolder(t);
  const place = {
    dataFolder,
    sessionsFolder: join(dataFolder, "sessions"),
    durability: "synced",
    fs,
    clock: new ManualClock(),
  } as const;
  for (const backend of ["filesystem", "memory"]) {
    const store = await openSessionStore(backend, place);
    assert.deepEqual(await store.list({ limit: 1 }), []);
    await store.shutdown();
  }
  const artifacts = await openArtifactStore("filesystem", {
    folder: join(dataFolder, "artifacts"),
    fs,
    clock: place.clock,
  });
  assert.deepEqual(await artifacts.list("one", { limit: 1 }), []);
});

test("a backend that this version does not have is refused by name", async () => {
  const place = { dataFolder: "/", sessionsFolder: "/", durability: "synced", fs, clock: new ManualClock() } as const;
  await assert.rejects(openSessionStore("postgres", place), { message: /backend: postgres needs a later version/ });
  await assert.rejects(openSessionStore("toString", place), { message: /backend: toString is not known/ });
  const folder = { folder: "/", fs, clock: new ManualClock() };
  await assert.rejects(openArtifactStore("s3", folder), { message: /artifacts.backend: s3 needs a later version/ });
});
