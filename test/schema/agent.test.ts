import assert from "node:assert/strict";
import { test } from "node:test";

import { agentSchemaFor, type AgentDefinition } from "../../src/schema/agent.ts";
import { parseYaml, plain } from "../../src/schema/parse-yaml.ts";
import { readYaml, yamlErrorLine } from "../../src/schema/yaml-document.ts";

function agentOf(source: string): AgentDefinition | string[] {
  const read = readYaml(source, { file: "agent.yaml" });
  if (!read.ok) return read.errors.map(yamlErrorLine);
  const parsed = parseYaml(read.document, agentSchemaFor(plain(read.document.root)));
  return parsed.ok ? parsed.value : parsed.errors.map(yamlErrorLine);
}

const model = "model: { provider: anthropic, name: claude-sonnet-4-5 }";

test("both forms become the same definition", () => {
  const long = agentOf(`
apiVersion: duragent/v1alpha1
kind: Agent
metadata: { name: helper, description: Helps., version: 1.0, labels: { team: 7 } }
spec:
  model: { provider: openai, name: gpt-4o, max_tokens: 100 }
  soul: ./SOUL.md
  session: { on_disconnect: continue, max_background_runtime: 1h }
  memory: {}
  tools:
    - { type: builtin, name: bash }
    - { type: builtin, name: web }
`);
  const short = agentOf(`
name: helper
description: Helps.
version: 1.0
labels: { team: 7 }
model: { provider: openai, name: gpt-4o, max_output_tokens: 100 }
soul: ./SOUL.md
session: { on_disconnect: continue, max_background_runtime: 3600 }
memory: {}
tools: { builtin: [bash, web] }
`);
  assert.deepEqual(long, short);
  assert.deepEqual(long, {
    metadata: { name: "helper", description: "Helps.", version: "1.0", labels: { team: "7" } },
    spec: {
      model: { provider: "openai", name: "gpt-4o", max_output_tokens: 100, fallbacks: [] },
      soul: "./SOUL.md",
      session: { on_disconnect: "continue", max_background_runtime: 3_600_000 },
      memory: {},
      tools: [
        { type: "builtin", name: "bash" },
        { type: "builtin", name: "web" },
      ],
    },
  });
});

test("a key without a value is one that is not set", () => {
  const agent = agentOf(`name: a\n${model}\nsession:\nmemory:\nsoul:\ntools:\n`);
  assert.ok(!Array.isArray(agent));
  assert.deepEqual(agent.spec.session, {});
  assert.deepEqual(agent.spec.tools, []);
  assert.equal(agent.spec.memory, undefined);
});

test("a dollar in an agent's file is a dollar: the environment is never looked at", () => {
  const agent = agentOf(`name: a\ndescription: \${HOME} $$\n${model}`);
  assert.ok(!Array.isArray(agent));
  assert.equal(agent.metadata.description, "${HOME} $$");
});

const tools = (entry: string): string => `name: a\n${model}\ntools:\n  - ${entry}`;

for (const [title, source, ...errors] of [
  [
    "an unknown key, with the one that was meant",
    `name: a\nmodle: 1\n${model}`,
    'agent.yaml:2:1: modle: unknown key "modle"; did you mean "model"?',
  ],
  [
    "camel case",
    `name: a\n${model}\nsession: { onDisconnect: pause }`,
    'agent.yaml:3:12: session.onDisconnect: unknown key "onDisconnect"; did you mean "on_disconnect"?',
  ],
  ["a missing model", "name: a", "agent.yaml:1:1: model: is missing; expected a map"],
  [
    "a missing key below a key",
    "name: a\nmodel:\n  provider: x",
    "agent.yaml:2:1: model.name: is missing; expected text",
  ],
  [
    "a wrong type",
    `name: a\n${model}\nsession: { ttl_hours: soon }`,
    "agent.yaml:3:23: session.ttl_hours: expected a number, found text",
  ],
  ["a map for a list", `name: a\n${model}\ntools: 3`, "agent.yaml:3:8: tools: does not fit, found a number"],
  [
    "a choice that is none, with the one that was meant",
    `name: a\n${model}\nsession: { on_disconnect: contine }`,
    'agent.yaml:3:27: session.on_disconnect: expected one of continue, pause, found "contine"; did you mean "continue"?',
  ],
  [
    "an unknown built-in tool",
    tools("{ type: builtin, name: bsh }"),
    'agent.yaml:4:28: tools[0].name: unknown built-in tool "bsh"; did you mean "bash"?',
  ],
  [
    "an unknown built-in tool of the short list",
    `name: a\n${model}\ntools: { builtin: [bash, wbe] }`,
    'agent.yaml:3:26: tools.builtin[1]: unknown built-in tool "wbe"; did you mean "web"?',
  ],
  [
    "an unknown kind of tool",
    tools("{ type: shell, name: x }"),
    'agent.yaml:4:13: tools[0].type: expected a tool with "type": builtin, cli or mcp',
  ],
  [
    "a tool without its command",
    tools("{ type: cli, name: x }"),
    "agent.yaml:4:5: tools[0].command: expected a command: text, or a list of words",
  ],
  [
    "an MCP server with neither command nor url",
    tools("{ type: mcp, name: x }"),
    'agent.yaml:4:5: tools[0]: an MCP server needs "command" or "url"',
  ],
  [
    "two tools whose names differ in case",
    tools("{ type: builtin, name: bash }\n  - { type: cli, name: BASH, command: x }"),
    'agent.yaml:5:24: tools[1].name: a second tool named "BASH"',
  ],
  [
    "a name that is none",
    `name: ../evil\n${model}`,
    "agent.yaml:1:7: name: expected 1 to 63 lower-case letters, digits, _ or -, a letter or digit first",
  ],
  [
    "another apiVersion",
    "apiVersion: duragent/v2\nkind: Agent\nmetadata: { name: a }\nspec: { model: { provider: x, name: y } }",
    "agent.yaml:1:13: apiVersion: expected duragent/v1alpha1",
  ],
  [
    "two names of one limit",
    "name: a\nmodel: { provider: x, name: y, max_tokens: 1, max_output_tokens: 2 }",
    'agent.yaml:2:44: model.max_tokens: the same as "max_output_tokens", which is given too; keep one of them',
  ],
  ["a key twice", `name: a\nname: b\n${model}`, 'agent.yaml:2:1: the key "name" stands here twice'],
  ["a list where a map was expected", "- a", "agent.yaml:1:1: expected a map, found a list"],
  [
    "a duration that is none",
    `name: a\n${model}\nsession: { max_background_runtime: 3 weeks }`,
    "agent.yaml:3:36: session.max_background_runtime: expected a duration: 90s, 30m, 2h, 7d or a number of seconds",
  ],
  [
    "a limit that has to be above zero",
    `name: a\n${model}\nsession: { context: { max_tool_result_tokens: 0 } }`,
    "agent.yaml:3:47: session.context.max_tool_result_tokens: expected at least 1",
  ],
  [
    "access with a disposition that is none",
    `name: a\n${model}\naccess: { groups: { sender_default: allowed } }`,
    'agent.yaml:3:37: access.groups.sender_default: expected one of allow, passive, silent, block, found "allowed"; did you mean "allow"?',
  ],
  [
    "several at once, in the order of the file",
    `name: A b\nfoo: 1\nmodel: { provider: x }`,
    "agent.yaml:1:7: name: expected 1 to 63 lower-case letters, digits, _ or -, a letter or digit first",
    'agent.yaml:2:1: foo: unknown key "foo"',
    "agent.yaml:3:1: model.name: is missing; expected text",
  ],
] as const) {
  test(`an agent with ${title} is told where and what`, () => {
    assert.deepEqual(agentOf(source), errors);
  });
}

test("hooks, limits and access of the Rust implementation are understood", () => {
  const agent = agentOf(`
apiVersion: duragent/v1alpha1
kind: Agent
metadata: { name: Rusty }
spec:
  model: { provider: openrouter, name: anthropic/claude-sonnet-4, temperature: 0.3, max_input_tokens: 100000 }
  system_prompt: ./SYSTEM_PROMPT.md
  skills_dir: ./skills/
  memory: { backend: filesystem }
  session: { compaction: archive, on_disconnect: pause, context: { tool_result_truncation: both } }
  hooks:
    before_tool: [{ match: "memory:recall", type: skip_duplicate, match_args: [days] }]
    after_tool: [{ match: "bash", message: check, unless: { wait: true } }]
  access:
    dm: { policy: allowlist, allowlist: ["123", "45*"] }
    groups: { sender_overrides: { "77": block }, queue: { debounce: { window_ms: 200 } } }
  tools:
    - { type: cli, name: greet, command: ./greet.sh, readme: tools/greet/README.md }
`);
  assert.ok(!Array.isArray(agent), String(agent));
  assert.equal(agent.spec.access?.groups.queue.debounce.window_ms, 200);
  assert.equal(agent.spec.access?.groups.activation, "mention");
});
