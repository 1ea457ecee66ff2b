import assert from "node:assert/strict";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { nodeFileSystem } from "../../../../src/adapters/file-system/node.ts";
import { createFileAgentStore } from "../../../../src/adapters/stores/agents/files.ts";
import type { FileSystem } from "../../../../src/ports/file-system.ts";
import { testAgentStore, wholeAgent } from "../../../suites/agent-store.ts";
import { FailingDisk } from "../../../support/failing-disk.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const storeIn = (folder: string, fileSystem: FileSystem = nodeFileSystem) =>
  createFileAgentStore(
    {
      staticPath: join(folder, "agents"),
      dynamicPath: join(folder, "sys/dyn_agents"),
      directivesPath: join(folder, "directives"),
      versionsPath: join(folder, "agent-versions"),
    },
    { clock: new ManualClock(), fileSystem },
  );

testAgentStore("files", async (t) => {
  const folder = await temporaryFolder(t);
  return { open: () => storeIn(folder) };
});

const before = wholeAgent({ "agent.yaml": "before", "SOUL.md": "old" });
const after = wholeAgent({ "agent.yaml": "after", "tools/x/run": "#!/bin/sh\n" });

/** What lies there for somebody who opens the store anew. */
async function found(folder: string, name: string): Promise<string> {
  const store = storeIn(folder);
  assert.equal((await store.list()).filter((place) => place.name === name).length, 1);
  const whole = await store.readWhole(`dynamic/${name}`);
  return [...(whole?.files ?? [])].map(([path, bytes]) => `${path}=${new TextDecoder().decode(bytes)}`).join(" ");
}

test("files: nobody else may read what was deployed, and only tools may be run", async (t) => {
  const folder = await temporaryFolder(t);
  await storeIn(folder).put("one", after);
  const modeOf = async (path: string) => (await stat(join(folder, "sys/dyn_agents", path))).mode & 0o777;
  assert.equal(await modeOf("."), 0o700);
  assert.equal(await modeOf("one"), 0o700);
  assert.equal(await modeOf("one/tools/x"), 0o700);
  assert.equal(await modeOf("one/agent.yaml"), 0o600);
  assert.equal(await modeOf("one/tools/x/run"), 0o700);
});

test("files: a disk that fails at any step leaves the old agent or the new one, whole, and the next attempt succeeds", async (t) => {
  // Counted once: what is asked of the disk when nothing fails.
  const counting = new FailingDisk(nodeFileSystem);
  const counted = await temporaryFolder(t);
  await storeIn(counted).put("one", before);
  await storeIn(counted, counting).put("one", after);
  const steps = counting.calls.length;
  assert.ok(steps > 10);
  const [old, fresh] = ["SOUL.md=old agent.yaml=before", "agent.yaml=after tools/x/run=#!/bin/sh\n"];
  const outcomes = new Set<string>();
  for (let step = 0; step < steps; step += 1) {
    const folder = await temporaryFolder(t);
    await storeIn(folder).put("one", before);
    const disk = new FailingDisk(nodeFileSystem);
    disk.failFrom(step, "ENOSPC");
    await assert.rejects(storeIn(folder, disk).put("one", after), { code: "storage-full" }, `step ${step}`);
    const left = await found(folder, "one");
    assert.ok(left === old || left === fresh, left);
    outcomes.add(left);
    assert.match((await storeIn(folder).put("one", after)).kind, /updated|unchanged/);
    assert.equal(await found(folder, "one"), fresh);
  }
  assert.ok(outcomes.has(old));
});

test("files: what a crash left half done is neither an agent nor in the way", async (t) => {
  const folder = await temporaryFolder(t);
  const store = storeIn(folder);
  await store.put("one", before);
  const root = join(folder, "sys/dyn_agents");
  for (const left of [".new-one", ".gone-two"]) {
    await mkdir(join(root, left));
    await writeFile(join(root, left, "agent.yaml"), "half");
  }
  assert.deepEqual(
    (await store.list()).map(({ name }) => name),
    ["one"],
  );
  assert.equal((await store.put("one", after)).kind, "updated");
  assert.equal(await store.delete("one"), true);
  assert.deepEqual(await store.list(), []);
});

test("files: an agent that a crash left aside is still served, and what replaces or removes it removes it for good", async (t) => {
  for (const [change, names] of [
    [(store: ReturnType<typeof storeIn>) => store.put("one", after), ["one"]],
    [(store: ReturnType<typeof storeIn>) => store.delete("one"), []],
  ] as const) {
    const folder = await temporaryFolder(t);
    const root = join(folder, "sys/dyn_agents");
    await storeIn(folder).put("one", before);
    await nodeFileSystem.rename(join(root, "one"), join(root, ".old-one"));
    assert.equal(await found(folder, "one"), "SOUL.md=old agent.yaml=before");
    await change(storeIn(folder));
    assert.deepEqual(await readdir(root), names);
  }
});

test("files: an agent that somebody put there as a single file is replaced and removed by its name", async (t) => {
  const folder = await temporaryFolder(t);
  const root = join(folder, "sys/dyn_agents");
  await mkdir(root, { recursive: true });
  await writeFile(join(root, "one.yaml"), "before");
  await writeFile(join(root, "two.yml"), "before");
  const store = storeIn(folder);
  assert.equal((await store.put("one", after)).kind, "updated");
  assert.equal(await store.delete("two"), true);
  assert.deepEqual(await readdir(root), ["one"]);
});

test("files: what a dead process had put there is synced before it is called unchanged", async (t) => {
  const folder = await temporaryFolder(t);
  await storeIn(folder).put("one", before);
  const disk = new FailingDisk(nodeFileSystem);
  assert.equal((await storeIn(folder, disk).put("one", before)).kind, "unchanged");
  assert.equal(disk.count("syncFolder", /dyn_agents$/), 1);
});

test("files: what was allowed for always stays when the agent is deployed anew, and belongs to no package", async (t) => {
  const folder = await temporaryFolder(t);
  const root = join(folder, "sys/dyn_agents");
  const local = join(root, "one", "policy.local.yaml");
  const store = storeIn(folder);
  await store.put("one", before);
  await writeFile(local, "allow: [bash:ls]\n", { mode: 0o600 });
  const revision = await store.revision("one");
  assert.equal((await store.put("one", after)).kind, "updated");
  assert.equal(await readFile(local, "utf8"), "allow: [bash:ls]\n");
  assert.equal((await stat(local)).mode & 0o777, 0o600);
  assert.equal((await store.put("one", before)).kind, "updated");
  assert.equal(await store.revision("one"), revision);
  assert.equal(await found(folder, "one"), "SOUL.md=old agent.yaml=before");
  // Also out of a folder that a crash left aside.
  await nodeFileSystem.rename(join(root, "one"), join(root, ".old-one"));
  await store.put("one", after);
  assert.equal(await readFile(local, "utf8"), "allow: [bash:ls]\n");
  assert.deepEqual(await readdir(root), ["one"]);
});

test("files: what is allowed for always while the agent is deployed anew is kept too", async (t) => {
  const folder = await temporaryFolder(t);
  const root = join(folder, "sys/dyn_agents");
  await storeIn(folder).put("one", before);
  const whileItMoves: FileSystem = {
    ...nodeFileSystem,
    async rename(from, to) {
      if (to === join(root, ".old-one")) await writeFile(join(from, "policy.local.yaml"), "allow: [bash:ls]\n");
      await nodeFileSystem.rename(from, to);
    },
  };
  await storeIn(folder, whileItMoves).put("one", after);
  assert.equal(await readFile(join(root, "one", "policy.local.yaml"), "utf8"), "allow: [bash:ls]\n");
});

test("files: what was allowed for always outlives a crash in the middle of deploying anew", async (t) => {
  const counting = new FailingDisk(nodeFileSystem);
  const counted = await temporaryFolder(t);
  await storeIn(counted).put("one", before);
  await writeFile(join(counted, "sys/dyn_agents/one/policy.local.yaml"), "allow: [bash:ls]\n");
  await storeIn(counted, counting).put("one", after);
  for (let step = 0; step < counting.calls.length; step += 1) {
    const folder = await temporaryFolder(t);
    const local = join(folder, "sys/dyn_agents/one/policy.local.yaml");
    await storeIn(folder).put("one", before);
    await writeFile(local, "allow: [bash:ls]\n");
    const disk = new FailingDisk(nodeFileSystem);
    disk.failFrom(step, "EIO");
    await assert.rejects(storeIn(folder, disk).put("one", after), { code: "storage-failed" }, `step ${step}`);
    await storeIn(folder).put("one", wholeAgent({ "agent.yaml": "third" }));
    assert.equal(await readFile(local, "utf8"), "allow: [bash:ls]\n", `step ${step}`);
  }
});
