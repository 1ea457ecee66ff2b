import assert from "node:assert/strict";
import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { agentFolders, agentYaml } from "./agent-folders.ts";

test("an agent that appears, changes and goes is followed", async (t) => {
  const { folder, write, open } = await agentFolders(t, {});
  const catalog = await open();
  catalog.follow();
  await write("agents/a/agent.yaml", agentYaml("a"));
  await catalog.until(() => catalog.list().length === 1);
  await write("agents/a/SOUL.md", "I changed.");
  await catalog.until(async () => (await catalog.get("a"))?.soul === "I changed.");
  await write("agents/b.yaml", agentYaml("b"));
  await catalog.until(() => catalog.list().length === 2);
  await rm(join(folder, "agents/a"), { recursive: true });
  await catalog.until(() => catalog.list().length === 1);
});

test("an invalid edit is reported while the last good version stays, and mending it ends that", async (t) => {
  const { write, open } = await agentFolders(t, { "agents/a/agent.yaml": agentYaml("a", "description: one") });
  const catalog = await open();
  catalog.follow();
  await write("agents/a/agent.yaml", agentYaml("a", "descritpion: two"));
  await catalog.until(() => catalog.invalid().length === 1);
  assert.equal((await catalog.get("a"))?.definition.metadata.description, "one");
  await write("agents/a/agent.yaml", agentYaml("a", "description: two"));
  await catalog.until(() => catalog.invalid().length === 0);
  assert.equal((await catalog.get("a"))?.definition.metadata.description, "two");
});

test("a directive for all agents changes all of them, a deployed agent appears", async (t) => {
  const { write, open } = await agentFolders(t, { "agents/a/agent.yaml": agentYaml("a") });
  const catalog = await open();
  catalog.follow();
  await write("directives/kind.md", "Be kind.");
  await catalog.until(async () => (await catalog.get("a"))?.directives[0] === "Be kind.");
  await write("sys/dyn_agents/b/agent.yaml", agentYaml("b"));
  await catalog.until(() => catalog.list().length === 2);
});

test("a thousand saves a second never show anything but a whole version, and the last one wins", async (t) => {
  const { folder, open, logged } = await agentFolders(t, { "agents/a/agent.yaml": agentYaml("a", "description: '0'") });
  const catalog = await open();
  catalog.follow();
  const path = join(folder, "agents/a/agent.yaml");
  const seen = new Set<string>();
  const stopWatching = catalog.onChange(() => seen.add(catalog.list()[0]?.description ?? "nothing"));
  for (let save = 1; save <= 2_000; save++) {
    const text = agentYaml("a", `description: '${save}'\n${"# filling\n".repeat(200)}`);
    // Half of them in place, as editors do that do not care; such a file is empty for a moment.
    if (save % 2 === 0) await writeFile(path, text);
    else {
      await writeFile(`${folder}/next`, text);
      await rename(`${folder}/next`, path);
    }
  }
  await catalog.until(() => catalog.list()[0]?.description === "2000");
  stopWatching();
  assert.ok(!seen.has("nothing"));
  assert.deepEqual(catalog.invalid(), []);
  assert.ok(logged.length < 200, `${logged.length} lines of log`);
});

test("what changes between the first reading and the first look of the watcher is not missed", async (t) => {
  const { store, write, open } = await agentFolders(t, { "agents/a/agent.yaml": agentYaml("a", "description: old") });
  const catalog = await open({
    store: {
      ...store,
      async watch(listener) {
        await write("agents/a/agent.yaml", agentYaml("a", "description: new"));
        return store.watch(listener);
      },
    },
  });
  catalog.follow();
  await catalog.until(() => catalog.list()[0]?.description === "new");
});

test("agents that can not be watched are served all the same", async (t) => {
  const { store, open, logged } = await agentFolders(t, { "agents/a/agent.yaml": agentYaml("a") });
  const catalog = await open({ store: { ...store, watch: () => Promise.reject(new Error("ENOSPC")) } });
  catalog.follow();
  assert.equal((await catalog.get("a"))?.name, "a");
  await catalog.close();
  assert.ok(logged.some(({ line }) => line.startsWith("Changes of agents are not seen")));
});
