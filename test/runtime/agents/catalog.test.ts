import assert from "node:assert/strict";
import { mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { test } from "node:test";

import { nodeFileSystem } from "../../../src/adapters/file-system/node.ts";
import { createVersionFolder } from "../../../src/adapters/stores/agents/versions.ts";
import { DuragentError } from "../../../src/schema/problem.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { agentFolders, agentYaml, counting } from "./agent-folders.ts";

test("folders and single files are agents; anything else lies there in peace", async (t) => {
  const { folder, open } = await agentFolders(t, {
    "agents/one/agent.yaml": agentYaml("one", "description: First.\nversion: 2"),
    "agents/one/SOUL.md": "I am one.",
    "agents/two.yaml": agentYaml("two"),
    "agents/README.md": "# Agents",
    "agents/empty/notes.txt": "",
    "agents/.hidden/agent.yaml": agentYaml("hidden"),
  });
  const catalog = await open();
  assert.deepEqual(catalog.list(), [{ name: "one", description: "First.", version: "2" }, { name: "two" }]);
  assert.deepEqual(catalog.invalid(), []);
  const one = await catalog.get("one");
  assert.equal(one?.soul, "I am one.");
  assert.equal(one?.home, join(folder, "agents/one"));
  assert.equal((await catalog.get("two"))?.home, "");
  assert.equal(await catalog.get("three"), undefined);
});

test("an agent that is not valid is reported with its places and never keeps the others out", async (t) => {
  const { open } = await agentFolders(t, {
    "agents/bad/agent.yaml": agentYaml("bad", "tools: [{ type: builtin, name: bsh }]"),
    "agents/broken/agent.yaml": "name: [",
    "agents/good/agent.yaml": agentYaml("good"),
  });
  const catalog = await open();
  assert.deepEqual(
    catalog.list().map(({ name }) => name),
    ["good"],
  );
  const [bad, broken] = catalog.invalid();
  assert.deepEqual(bad, {
    name: "bad",
    errors: [
      {
        file: "agent.yaml",
        line: 3,
        column: 32,
        path: "tools[0].name",
        message: 'unknown built-in tool "bsh"; did you mean "bash"?',
      },
    ],
    servingLastGood: false,
  });
  assert.equal(broken?.name, "broken");
  assert.equal(await catalog.get("bad"), undefined);
});

test("links that leave the folder are not followed, whatever they are called", async (t) => {
  const { folder, open } = await agentFolders(t, {
    "secret.md": "the secret",
    "agents/soul/agent.yaml": agentYaml("soul"),
    "agents/named/agent.yaml": agentYaml("named", "soul: ./prompts/soul.md"),
    "agents/rule/agent.yaml": agentYaml("rule"),
    "agents/rule/directives/a.md": "fine",
    "agents/fine/agent.yaml": agentYaml("fine"),
    "agents/fine/real.md": "inside",
  });
  await symlink("../../secret.md", join(folder, "agents/soul/SOUL.md"));
  await symlink(folder, join(folder, "agents/named/prompts"));
  await symlink(join(folder, "secret.md"), join(folder, "agents/rule/directives/b.md"));
  await symlink("real.md", join(folder, "agents/fine/SOUL.md"));
  await symlink("nowhere", join(folder, "agents/fine/dangling"));
  await symlink(".", join(folder, "agents/fine/loop"));
  const catalog = await open();
  assert.deepEqual(
    catalog.invalid().map(({ name }) => name),
    ["named", "rule", "soul"],
  );
  const fine = await catalog.get("fine");
  assert.equal(fine?.soul, "inside");
  assert.ok(![...(fine?.files.values() ?? [])].some((bytes) => Buffer.from(bytes).includes("the secret")));
});

test("memory, tools, policy and hidden files are no part of a version; what needs a later version is said", async (t) => {
  const { open } = await agentFolders(t, {
    "agents/a/agent.yaml": agentYaml("a"),
    "agents/a/policy.yaml": "mode: ask",
    "agents/a/memory/MEMORY.md": "x",
    "agents/a/tools/greet/run.sh": "x",
    "agents/a/tools/greet/README.md": "x",
    "agents/a/.git/config": "x",
    "agents/a/skills/s/SKILL.md": "---\nname: s\ndescription: x\n---\n",
    "agents/a/skills/s/run.sh": "x",
  });
  const agent = await (await open()).get("a");
  assert.deepEqual([...(agent?.files.keys() ?? [])], ["agent.yaml", "skills/s/SKILL.md", "tools/greet/README.md"]);
  assert.deepEqual(agent?.warnings, [
    "skills: none of the agent's tools can read them; add read_file or bash to its tools",
  ]);
});

test("names are unique: the folder of that name keeps it, the other is reported", async (t) => {
  const { open } = await agentFolders(t, {
    "agents/copy/agent.yaml": agentYaml("helper"),
    "agents/helper/agent.yaml": agentYaml("helper"),
    "agents/Other/agent.yaml": agentYaml("HELPER"),
  });
  const catalog = await open();
  assert.ok((await catalog.get("helper"))?.home.endsWith("/helper"));
  assert.deepEqual(
    catalog.list().map(({ name }) => name),
    ["helper"],
  );
  assert.deepEqual(
    catalog.invalid().map(({ name, errors }) => [name, errors[0]?.message]),
    [
      ["Other", "the name HELPER is taken by static/helper; names are unique"],
      ["copy", "the name helper is taken by static/helper; names are unique"],
    ],
  );
});

test("a deployed agent shadows a static one of the same name", async (t) => {
  const { open } = await agentFolders(t, {
    "agents/a/agent.yaml": agentYaml("a", "description: static"),
    "sys/dyn_agents/a.yaml": agentYaml("a", "description: deployed"),
  });
  const catalog = await open();
  assert.deepEqual(catalog.list(), [{ name: "a", description: "deployed" }]);
  assert.deepEqual(catalog.invalid(), []);
});

test("a reload takes changes up; an invalid one is reported and the last good version stays", async (t) => {
  const { write, folder, open } = await agentFolders(t, { "agents/a/agent.yaml": agentYaml("a", "description: one") });
  const catalog = await open();
  const first = await catalog.get("a");
  await write("agents/a/agent.yaml", agentYaml("a", "descritpion: two"));
  assert.equal(await catalog.reload(), 1);
  assert.equal(await catalog.get("a"), first);
  assert.deepEqual(
    catalog.invalid().map(({ name, servingLastGood }) => [name, servingLastGood]),
    [["a", true]],
  );
  await write("agents/a/agent.yaml", agentYaml("a", "description: two"));
  await catalog.reload();
  assert.equal((await catalog.get("a"))?.definition.metadata.description, "two");
  assert.deepEqual(catalog.invalid(), []);
  await rm(join(folder, "agents/a"), { recursive: true });
  assert.equal(await catalog.reload(), 0);
  assert.equal(await catalog.get("a"), undefined);
});

test("a version that was kept is read back whole, by a catalog that never saw its agent", async (t) => {
  const { write, open, store } = await agentFolders(t, {
    "agents/a/agent.yaml": agentYaml("a"),
    "agents/a/SOUL.md": "größer 🌳",
    [`agents/a/${"deep/".repeat(6)}${"long".repeat(50)}.md`]: "x",
    "directives/rule.md": "Be kind.",
  });
  const before = await open();
  const agent = await before.get("a");
  assert.ok(agent);
  await Promise.all([before.keep(agent), before.keep(agent)]);
  await write("agents/a/SOUL.md", "changed");
  const after = await open();
  assert.notEqual((await after.get("a"))?.digest, agent.digest);
  const { files, ...rest } = (await after.version(agent.digest)) ?? assert.fail();
  assert.deepEqual({ ...rest, files: null }, { ...agent, files: null });
  assert.deepEqual(
    [...files].map(([path, bytes]) => [path, Buffer.from(bytes)]),
    [...agent.files].map(([path, bytes]) => [path, Buffer.from(bytes)]),
  );
  assert.equal(await after.version("0".repeat(64)), undefined);
  await assert.rejects(store.getVersion("../../etc/passwd"), RangeError);
});

test("a stored version that was damaged is reported and not used", async (t) => {
  const { folder, write, open, logged } = await agentFolders(t, {
    "agents/a/agent.yaml": agentYaml("a"),
    "agents/a/SOUL.md": "kind",
  });
  const catalog = await open();
  const agent = (await catalog.get("a")) ?? assert.fail();
  await catalog.keep(agent);
  await write("agents/a/SOUL.md", "another version");
  const path = join(folder, "agent-versions", `${agent.digest}.tar`);
  const whole = await readFile(path);
  const changed = Buffer.from(whole);
  changed.write("evil", whole.indexOf("kind"));
  for (const damaged of [changed, whole.subarray(0, 700), Buffer.alloc(0)]) {
    await writeFile(path, damaged);
    assert.equal(await (await open()).version(agent.digest), undefined);
  }
  assert.equal(logged.filter(({ line }) => line.startsWith("A stored version")).length, 3);
});

test("a version is kept only once everything on its way has been synced", async (t) => {
  const folder = await temporaryFolder(t);
  const done: string[] = [];
  const versions = createVersionFolder(join(folder, "agent-versions"), {
    ...nodeFileSystem,
    async replace(path, bytes, options) {
      done.push(`replace ${basename(path).slice(0, 4)} sync ${options.sync}`);
      await nodeFileSystem.replace(path, bytes, options);
    },
    async syncFolder(path) {
      done.push(`sync ${basename(path) === basename(folder) ? "data directory" : basename(path)}`);
      await nodeFileSystem.syncFolder(path);
    },
  });
  const version = { files: new Map([["agent.yaml", Buffer.from("x")]]), home: "/h" };
  await versions.put("a".repeat(64), version);
  await versions.put("a".repeat(64), version);
  assert.deepEqual(done, ["sync data directory", "replace aaaa sync true", "sync agent-versions"]);
});

test("an inline definition is an agent of its own, with the directives that all share", async (t) => {
  const { open } = await agentFolders(t, { "directives/rule.md": "Be kind." });
  const catalog = await open();
  const spec = { name: "inline", model: { provider: "scripted", name: "x", temperature: 0 }, soul: "I am text." };
  const unscripted = { ...spec, model: { provider: "openai", name: "gpt-4o" } };
  const agent = catalog.inline(unscripted);
  assert.deepEqual([agent.name, agent.soul, agent.home, agent.directives], ["inline", "I am text.", "", ["Be kind."]]);
  assert.equal(catalog.inline(agent.source).definition.metadata.name, "inline");
  await catalog.keep(agent);
  assert.deepEqual((await (await open()).version(agent.digest))?.definition, agent.definition);
  assert.throws(
    () => catalog.inline({ name: "inline", modle: 1 }),
    (error: unknown) => {
      assert.ok(error instanceof DuragentError);
      assert.equal(error.code, "unprocessable");
      assert.deepEqual(
        error.facts.errors?.map(({ path }) => path),
        ["model", "modle"],
      );
      return true;
    },
  );
  for (const wrong of [null, 5, [], "name: ["]) assert.throws(() => catalog.inline(wrong), DuragentError);
});

test("lazily nothing is parsed until it is asked for, and at most cache_size agents are kept", async (t) => {
  const files = Array.from(
    { length: 5 },
    (_, index) => [`agents/a${index}/agent.yaml`, agentYaml(`a${index}`)] as const,
  );
  const { store, open } = await agentFolders(
    t,
    Object.fromEntries([...files, ["agents/odd/agent.yaml", agentYaml("named-otherwise")]]),
  );
  const counted = counting(store);
  const catalog = await open({ store: counted, lazyLoad: true, cacheSize: 2 });
  assert.deepEqual(counted.reads, []);
  assert.equal(catalog.list().length, 6);
  assert.equal((await catalog.get("a1"))?.name, "a1");
  assert.equal((await catalog.get("a1"))?.name, "a1");
  assert.deepEqual(counted.reads, ["static/a1"]);
  assert.equal((await catalog.get("named-otherwise"))?.name, "named-otherwise");
  assert.equal(await catalog.get("odd"), undefined);
  for (const name of ["a2", "a3", "a4", "a1"]) assert.equal((await catalog.get(name))?.name, name);
  assert.equal(counted.reads.filter((key) => key === "static/a1").length, 2);
});

test("a folder of the Rust implementation opens", async (t) => {
  const { open } = await agentFolders(t, {
    "agents/My-Assistant/agent.yaml": `apiVersion: duragent/v1alpha1
kind: Agent
metadata:
  name: My-Assistant
spec:
  model: { provider: openrouter, name: anthropic/claude-sonnet-4 }
  soul: ./SOUL.md
  system_prompt: SYSTEM_PROMPT.md
  skills_dir: ./skills/
  session: { on_disconnect: continue, ttl_hours: 24, compaction: discard }
  tools: [{ type: builtin, name: bash }]
  memory: {}
`,
    "agents/My-Assistant/SOUL.md": "soul",
    "agents/My-Assistant/SYSTEM_PROMPT.md": "system",
    "agents/My-Assistant/memory/daily/2026-02-01.md": "x",
    "agents/My-Assistant/policy.yaml": "mode: dangerous",
  });
  const catalog = await open();
  assert.deepEqual(catalog.invalid(), []);
  assert.equal((await catalog.get("My-Assistant"))?.systemPrompt, "system");
});

test("a folder that is too large is an invalid agent, a file that is too large is left out and named", async (t) => {
  const { folder, open } = await agentFolders(t, {
    "agents/a/agent.yaml": agentYaml("a"),
    "agents/a/model.bin": Buffer.alloc(1_048_577),
    "agents/b/agent.yaml": `${agentYaml("b")}#${"x".repeat(262_144)}`,
    "agents/c/agent.yaml": agentYaml("c"),
  });
  await mkdir(join(folder, "agents/c/many"));
  await Promise.all(Array.from({ length: 2_001 }, (_, index) => writeFile(join(folder, `agents/c/many/${index}`), "")));
  const catalog = await open();
  assert.deepEqual((await catalog.get("a"))?.warnings, [
    "model.bin has 1048577 bytes and was left out; at most 1048576 are read",
  ]);
  assert.deepEqual(
    catalog.invalid().map(({ name }) => name),
    ["b", "c"],
  );
});

test("a folder that is replaced while it is read is read again", async (t) => {
  const { folder, store, open, write } = await agentFolders(t, {
    "agents/a/agent.yaml": agentYaml("a", "description: old"),
  });
  const slow = { ...store, reads: 0 };
  slow.read = async (key) => {
    slow.reads += 1;
    return slow.reads === 2 ? { kind: "changing" } : store.read(key);
  };
  const catalog = await open({ store: slow });
  await write("next/agent.yaml", agentYaml("a", "description: new"));
  await rm(join(folder, "agents/a"), { recursive: true });
  await rename(join(folder, "next"), join(folder, "agents/a"));
  await catalog.reload();
  assert.equal((await catalog.get("a"))?.definition.metadata.description, "old");
  await catalog.until(async () => (await catalog.get("a"))?.definition.metadata.description === "new");
});

test("an agent in the server's own folder may say where its model is, a deployed or inline one may not", async (t) => {
  const model = (provider: string) => `model: { provider: ${provider}, name: x, base_url: "https://example.net/v1" }\n`;
  const { open } = await agentFolders(t, {
    "agents/own.yaml": `name: own\n${model("openai")}`,
    "sys/dyn_agents/put.yaml": `name: put\n${model("openai")}`,
    "sys/dyn_agents/local.yaml": `name: local\n${model("ollama")}`,
  });
  const catalog = await open();
  assert.deepEqual(
    catalog.list().map(({ name }) => name),
    ["local", "own"],
  );
  assert.equal(catalog.invalid()[0]?.errors[0]?.path, "model.base_url");
  assert.throws(() => catalog.inline(`name: inline\n${model("openai")}`), /key of openai/);
});
