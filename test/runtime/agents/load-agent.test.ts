import assert from "node:assert/strict";
import { test } from "node:test";

import { loadAgent, packageDigest, type AgentMaterial } from "../../../src/runtime/agents/load-agent.ts";
import type { LoadedAgent } from "../../../src/runtime/agents/catalog-types.ts";
import { yamlErrorLine } from "../../../src/schema/yaml-document.ts";
import { agentYaml } from "./agent-folders.ts";

const filesOf = (files: Record<string, string | Uint8Array>) =>
  new Map(Object.entries(files).map(([path, text]) => [path, typeof text === "string" ? Buffer.from(text) : text]));

function load(files: Record<string, string | Uint8Array>, more: Partial<AgentMaterial> = {}): LoadedAgent | string[] {
  const loaded = loadAgent({ files: filesOf(files), home: "/agents/a", ...more });
  return loaded.ok ? loaded.agent : loaded.errors.map(yamlErrorLine);
}

function loaded(files: Record<string, string | Uint8Array>, more: Partial<AgentMaterial> = {}): LoadedAgent {
  const agent = load(files, more);
  assert.ok(!Array.isArray(agent), String(agent));
  return agent;
}

test("prompts that are not named are found under their usual names", () => {
  const agent = loaded({ "agent.yaml": agentYaml("a"), "SOUL.md": "Be kind.", "INSTRUCTIONS.md": " \n" });
  assert.deepEqual([agent.soul, agent.systemPrompt, agent.instructions], ["Be kind.", undefined, undefined]);
});

test("a prompt is a path of the folder or the text itself", () => {
  const agent = loaded({
    "agent.yaml": agentYaml(
      "a",
      "soul: ./prompts/../deep/soul.txt\nsystem_prompt: Be brief. See README.md\ninstructions: HOW.md\n",
    ),
    "deep/soul.txt": "from a file",
    "HOW.md": "like this",
    "SYSTEM_PROMPT.md": "not this one",
  });
  assert.deepEqual(
    [agent.soul, agent.systemPrompt, agent.instructions],
    ["from a file", "Be brief. See README.md", "like this"],
  );
});

const long =
  "apiVersion: duragent/v1alpha1\nkind: Agent\nmetadata: { name: a }\nspec:\n  model: { provider: x, name: y }\n";
for (const [title, yaml, expected] of [
  [
    "is missing",
    agentYaml("a", "soul: ./GONE.md"),
    "agent.yaml:3:7: soul: there is no file GONE.md in the agent's folder",
  ],
  [
    "is missing, in the long form",
    `${long}  soul: GONE.md`,
    "agent.yaml:6:9: spec.soul: there is no file GONE.md in the agent's folder",
  ],
  [
    "leads out",
    agentYaml("a", "soul: ../../etc/passwd"),
    "agent.yaml:3:7: soul: a path may not leave the agent's folder",
  ],
  [
    "leads out behind a folder",
    agentYaml("a", "soul: ./x/../../y.md"),
    "agent.yaml:3:7: soul: a path may not leave the agent's folder",
  ],
  ["is absolute", agentYaml("a", "soul: /etc/passwd"), "agent.yaml:3:7: soul: a path may not leave the agent's folder"],
  [
    "is a link to elsewhere",
    agentYaml("a", "soul: ./link.md"),
    "agent.yaml:3:7: soul: link.md leads out of the agent's folder, or is no file",
  ],
  [
    "is below a linked folder",
    agentYaml("a", "soul: ./out/soul.md"),
    "agent.yaml:3:7: soul: out/soul.md leads out of the agent's folder, or is no file",
  ],
  [
    "is among what all agents share",
    agentYaml("a", "soul: ./.shared/directives/x.md"),
    "agent.yaml:3:7: soul: there is no file .shared/directives/x.md in the agent's folder",
  ],
  [
    "is a missing README of a tool",
    agentYaml("a", "tools: [{ type: cli, name: t, command: x, readme: ./R.md }]"),
    "agent.yaml:3:51: tools[0].readme: there is no file R.md in the agent's folder",
  ],
  [
    "is a missing script",
    "name: a\nmodel: { provider: scripted, name: ./script.yaml }",
    "agent.yaml:2:36: model.name: there is no file script.yaml in the agent's folder",
  ],
  [
    "is a skills folder elsewhere",
    agentYaml("a", "skills_dir: ../skills"),
    "agent.yaml:3:13: skills_dir: a path may not leave the agent's folder",
  ],
] as const) {
  test(`an agent with a file that ${title} is not valid`, () => {
    const material = { refused: ["link.md", "out"] };
    assert.deepEqual(load({ "agent.yaml": yaml, ".shared/directives/x.md": "x" }, material), [expected]);
  });
}

test("a script with a mistake makes its agent invalid, with the place in the script", () => {
  const files = {
    "agent.yaml": "name: a\nmodel: { provider: scripted, name: ./script.yaml }",
    "script.yaml": "rules:\n  - whne: x\n    say: y\n",
  };
  const errors = load(files);
  assert.ok(Array.isArray(errors));
  assert.match(errors.join("\n"), /script\.yaml:2:5: .*unknown key "whne"/);
});

test("a prompt or rule that leads out, or is not UTF-8, makes the agent invalid even if nobody names it", () => {
  const yaml = agentYaml("a");
  assert.deepEqual(load({ "agent.yaml": yaml }, { refused: ["SOUL.md"] }), [
    "SOUL.md: leads out of the agent's folder, or is no file",
  ]);
  assert.deepEqual(load({ "agent.yaml": yaml }, { refused: ["directives/x.md"] }), [
    "directives/x.md: leads out of the agent's folder, or is no file",
  ]);
  assert.deepEqual(load({ "agent.yaml": yaml, "SOUL.md": Buffer.from([0xff]) }), ["SOUL.md: is not valid UTF-8"]);
});

test("directives stand in the order of their names, those of all agents first, empty ones left out", () => {
  const agent = loaded({
    "agent.yaml": agentYaml("a"),
    "directives/b.md": "agent b",
    "directives/a.md": "agent a\n",
    "directives/empty.md": " \n",
    "directives/deeper/c.md": "not a rule",
    "directives/notes.txt": "not a rule",
    ".shared/directives/z.md": "workspace z",
  });
  assert.deepEqual(agent.directives, ["workspace z", "agent a", "agent b"]);
});

test("without a folder prompts are text, and one that looks like a path is pointed out", () => {
  const agent = loaded({ "agent.yaml": agentYaml("a", "soul: ./SOUL.md\nsystem_prompt: Be kind.") }, { home: "" });
  assert.deepEqual([agent.soul, agent.systemPrompt], ["./SOUL.md", "Be kind."]);
  assert.deepEqual(agent.warnings, ["soul: ./SOUL.md looks like a path, but this agent has no folder: taken as text"]);
});

test("what needs a later version is named, one sentence each", () => {
  const agent = loaded(
    {
      "agent.yaml": agentYaml(
        "Rusty",
        "tools: { builtin: [bash, schedule] }\nmemory: { backend: filesystem }\nhooks: { after_tool: [{ match: x, message: y }] }\naccess: {}\nlimits: { budget: { per_turn_tokens: 1 }, inbound: { per_client_per_minute: 1 } }\nsession: { compaction: discard }\n",
      ).replace("anthropic", "antropic"),
      "skills/x/SKILL.md": "---\n",
    },
    { providers: ["anthropic", "openai"], notes: ["one of its files is odd"] },
  );
  assert.deepEqual(agent.warnings, [
    "name: Rusty has capitals; names are lower case",
    'model: the provider antropic is neither built in nor under models.providers; did you mean "anthropic"?',
    "tools: schedule needs a later version",
    "memory.backend has no effect; see services.memory of duragent.yaml",
    "limits.inbound.per_client_per_minute has no effect here: it is a key of duragent.yaml",
    "session.compaction has no effect: a log is never compacted",
    "skills: skills/x/SKILL.md does not begin with `---` and a name and a description; it is left out",
    "one of its files is odd",
  ]);
});

test("equal packages have an equal digest, whatever the order; any other byte another one", () => {
  const digest = (files: Record<string, string>) => packageDigest(filesOf(files));
  assert.equal(digest({ a: "1", b: "2" }), digest({ b: "2", a: "1" }));
  const others = [
    digest({ a: "1", b: "2" }),
    digest({ a: "12", b: "" }),
    digest({ a: "1", c: "2" }),
    digest({ a1: "", b: "2" }),
    digest({ "a1:1b": "2" }),
  ];
  assert.equal(new Set(others).size, others.length);
  assert.match(digest({}), /^[0-9a-f]{64}$/);
});
