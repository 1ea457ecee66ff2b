import assert from "node:assert/strict";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { agentFolders, agentYaml } from "./agent-folders.ts";

const skill = (name: string, description = `About ${name}.`, body = "Do it.") =>
  `---\nname: ${name}\ndescription: ${description}\nlicense: MIT\n---\n\n${body}\n`;
const reader = agentYaml("a", "tools: { builtin: [read_file] }\n");

test("skills are found in skills_dir, in .agents/skills and in the shared folder, the agent's own before the shared", async (t) => {
  const { folder, open } = await agentFolders(t, {
    "agents/a/agent.yaml": `${reader}skills_dir: ./mine/\n`,
    "agents/a/mine/one/SKILL.md": skill("one"),
    "agents/a/mine/one/scripts/run.sh": "x",
    "agents/a/mine/one/deep/SKILL.md": skill("deep"),
    "agents/a/.agents/skills/two/SKILL.md": skill("two"),
    "agents/a/skills/unused/SKILL.md": skill("unused"),
    "shared/skills/one/SKILL.md": skill("one", "Of everybody."),
    "shared/skills/three/SKILL.md": skill("three"),
    "shared/skills/README.md": "x",
    "agents/b.yaml": agentYaml("b"),
  });
  const catalog = await open();
  const agent = await catalog.get("a");
  assert.deepEqual(agent?.skills, [
    { name: "one", description: "About one.", path: join(folder, "agents/a/mine/one/SKILL.md") },
    { name: "three", description: "About three.", path: join(folder, "shared/skills/three/SKILL.md") },
    { name: "two", description: "About two.", path: join(folder, "agents/a/.agents/skills/two/SKILL.md") },
  ]);
  assert.deepEqual(agent.warnings, []);
  assert.deepEqual(
    (await catalog.get("b"))?.skills.map(({ name }) => name),
    ["one", "three"],
  );
  assert.deepEqual(catalog.inline({ name: "c", model: { provider: "ollama", name: "x" } }).skills.length, 2);
});

test("what can not be used as a skill is named, left out, and keeps nothing else out", async (t) => {
  const { folder, open } = await agentFolders(t, {
    "agents/a/agent.yaml": reader,
    "agents/a/skills/good/SKILL.md": skill("good"),
    "agents/a/.agents/skills/good/SKILL.md": skill("good"),
    "agents/a/skills/other-name/SKILL.md": skill("another"),
    "agents/a/skills/No-Capitals/SKILL.md": skill("No-Capitals"),
    "agents/a/skills/headless/SKILL.md": "# No head\n",
    "agents/a/skills/silent/SKILL.md": "---\nname: silent\n---\n",
    "agents/a/skills/wordy/SKILL.md": skill("wordy", "x".repeat(1_025)),
    "agents/a/skills/broken/SKILL.md": "---\nname: [\n---\n",
    "shared/skills/empty/SKILL.md": "",
    "shared/skills/plain/SKILL.md": "plain",
    "outside/leak/SKILL.md": skill("leak"),
  });
  await symlink(join(folder, "outside/leak"), join(folder, "agents/a/skills/leak"));
  await mkdir(join(folder, "agents/a/skills/linked"));
  await symlink(join(folder, "outside/leak/SKILL.md"), join(folder, "agents/a/skills/linked/SKILL.md"));
  await symlink(join(folder, "outside/leak"), join(folder, "shared/skills/leak"));
  const agent = await (await open()).get("a");
  assert.deepEqual(
    agent?.skills.map(({ path }) => path),
    [join(folder, "agents/a/skills/good/SKILL.md")],
  );
  const warnings = agent.warnings.map((warning) => warning.replace(/^skills: /, ""));
  const expected: [string, RegExp][] = [
    ["skills/No-Capitals/SKILL.md", /has a wrong head \(name: must be small letters/],
    ["skills/broken/SKILL.md", /has a wrong head/],
    ["skills/headless/SKILL.md", /does not begin with `---`/],
    ["skills/other-name/SKILL.md", /is named another, but lies in a folder other-name/],
    ["skills/silent/SKILL.md", /has a wrong head \(description: /],
    ["skills/wordy/SKILL.md", /has a wrong head \(description: expected at most 1024 characters\)/],
    [".agents/skills/good/SKILL.md", /is a second skill of its name/],
    ["skills/leak", /leads out of the agent's folder/],
    ["skills/linked/SKILL.md", /leads out of the agent's folder/],
    ["the shared skill empty", /is empty, too large, or leads out/],
    ["the shared skill leak", /is empty, too large, or leads out/],
    ["the shared skill plain", /does not begin with `---`/],
  ];
  for (const [what, why] of expected) {
    const found = warnings.filter((warning) => warning.startsWith(`${what} `));
    assert.equal(found.length, 1, `${what}: ${warnings.join("\n")}`);
    assert.match(found[0] ?? "", why);
  }
  assert.equal(warnings.length, expected.length);
});

test("a version that was kept has the skills that it had, whatever became of their files", async (t) => {
  const { folder, write, open } = await agentFolders(t, {
    "agents/a/agent.yaml": reader,
    "agents/a/skills/one/SKILL.md": skill("one"),
    "shared/skills/two/SKILL.md": skill("two"),
  });
  const first = await open();
  const agent = await first.get("a");
  assert.ok(agent);
  await first.keep(agent);
  await write("agents/a/skills/one/SKILL.md", skill("one", "Changed."));
  await write("shared/skills/two/SKILL.md", skill("two", "Changed."));
  const later = await open();
  assert.notEqual((await later.get("a"))?.digest, agent.digest);
  assert.deepEqual((await later.version(agent.digest))?.skills, agent.skills);
  assert.equal(agent.skills[0]?.path, join(folder, "agents/a/skills/one/SKILL.md"));
});

test("the body of a shared skill, and what lies beside a skill, change no version", async (t) => {
  const { folder, write, open } = await agentFolders(t, {
    "agents/a/agent.yaml": reader,
    "agents/a/skills/one/SKILL.md": skill("one"),
    "shared/skills/two/SKILL.md": skill("two"),
  });
  const before = (await (await open()).get("a"))?.digest;
  await write("shared/skills/two/SKILL.md", skill("two", undefined, "Do it otherwise."));
  await write("agents/a/skills/one/template.bin", Buffer.alloc(2_000_000));
  await writeFile(join(folder, "shared/skills/two/notes.txt"), "x");
  assert.equal((await (await open()).get("a"))?.digest, before);
});

test("a skill that is added or edited is there for the next turn", async (t) => {
  const { write, open } = await agentFolders(t, {
    "agents/a/agent.yaml": reader,
    "shared/skills/two/SKILL.md": skill("two"),
  });
  const catalog = await open();
  catalog.follow();
  const descriptions = async () => (await catalog.get("a"))?.skills.map(({ description }) => description).join();
  await write("agents/a/skills/one/SKILL.md", skill("one"));
  await catalog.until(async () => (await descriptions()) === "About one.,About two.");
  await write("shared/skills/two/SKILL.md", skill("two", "Changed."));
  await catalog.until(async () => (await descriptions()) === "About one.,Changed.");
});

test("at most a hundred skills stand in a prompt", async (t) => {
  const many = Array.from({ length: 101 }, (_, index) => `s${index + 100}`);
  const { open } = await agentFolders(t, {
    "agents/a/agent.yaml": reader,
    ...Object.fromEntries(many.map((name) => [`agents/a/skills/${name}/SKILL.md`, skill(name)])),
  });
  const agent = await (await open()).get("a");
  assert.equal(agent?.skills.length, 100);
  assert.deepEqual(agent.warnings, ["skills: of 101 the first 100 are used"]);
});
