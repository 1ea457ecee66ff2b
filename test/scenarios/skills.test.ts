import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { duragent } from "../support/program.ts";
import { workspace } from "./workspaces.ts";

const skill = (name: string) => `---\nname: ${name}\ndescription: About ${name}.\n---\n\nSteps of ${name}.\n`;

/** An agent that calls a tool with what it is told: `NAME {…}`. */
const caller = {
  "caller/agent.yaml":
    "name: caller\nmodel: { provider: scripted, name: ./script.yaml }\ntools: { builtin: [read_file, write_file, artifact, bash] }\n",
  "caller/policy.yaml": "mode: allow\n",
  "caller/script.yaml": `rules:
  - { when: '^read (.+)$', tool: { name: read_file, arguments: { path: '{{1}}' } } }
  - { when: '^write (.+)$', tool: { name: write_file, arguments: { path: '{{1}}', content: written } } }
  - { when: '^keep (.+)$', tool: { name: artifact, arguments: { action: put, name: kept.txt, path: '{{1}}' } } }
  - { when: '^run (.+)$', tool: { name: bash, arguments: { command: '{{1}}' } } }
  - { after_tool: read_file, say: '{{result}}' }
  - { after_tool: write_file, say: '{{result}}' }
  - { after_tool: artifact, say: '{{result}}' }
  - { after_tool: bash, say: '{{result}}' }
  - { when: '.*', say: 'heard: {{input}}' }
`,
  "caller/skills/own/SKILL.md": skill("own"),
  "caller/skills/broken/SKILL.md": "nothing\n",
};

test("an agent reads its skills by their paths, with its tools and inside the sandbox, and nothing beside them", async (t) => {
  const { folder, dataDir } = await workspace(t, caller);
  const shared = join(folder, ".agents/skills/shared/SKILL.md");
  await mkdir(join(shared, ".."), { recursive: true });
  await writeFile(shared, skill("shared"));
  const own = join(dataDir, "agents/caller/skills/own/SKILL.md");
  const say = async (text: string) => {
    const { stdout, stderr } = await duragent(["run", "-a", "caller", text], { cwd: folder });
    return stdout + stderr;
  };

  const { stdout } = await duragent(["agent", "show", "caller"], { cwd: folder });
  assert.ok(
    stdout.endsWith(`\n# skills:\n#   own: About own. (${own})\n#   shared: About shared. (${shared})\n`),
    stdout,
  );
  const doctor = await duragent(["doctor"], { cwd: folder });
  assert.match(doctor.stdout, /skills: skills\/broken\/SKILL\.md does not begin with/);

  assert.match(await say(`read ${own}`), /Steps of own\./);
  assert.match(await say(`read ${shared}`), /Steps of shared\./);
  assert.match(await say(`run cat ${own} ${shared}`), /Steps of own\.[^]*Steps of shared\./);
  assert.match(await say(`read ${join(dataDir, "agents/caller/policy.yaml")}`), /lies outside of your workspace/);
  assert.match(await say(`write ${own}`), /lies outside of your workspace/);
});

test("what a file tool writes is what a command finds, and what is kept can be fetched", async (t) => {
  const { folder, dataDir } = await workspace(t, caller);
  const say = async (text: string) => (await duragent(["run", "-a", "caller", text], { cwd: folder })).stdout;
  assert.match(await say("write notes/a.txt"), /Made notes\/a\.txt \(7 bytes\)/);
  const written = join(dataDir, "workspace/caller/notes/a.txt");
  assert.equal(await readFile(written, "utf8"), "written");
  assert.match(await say(`run cat notes/a.txt ~/notes/a.txt ${written}`), /writtenwrittenwritten/);
  assert.match(await say("keep notes/a.txt"), /Stored kept\.txt \(7 bytes, text\/plain/);
  const { stdout } = await duragent(["artifact", "get", "kept.txt", "-a", "caller"], { cwd: folder });
  assert.equal(stdout, "written");
});
