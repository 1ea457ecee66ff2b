import assert from "node:assert/strict";
import { test } from "node:test";

import { safetyDirectives } from "../../../src/domain/prompt/safety-directives.ts";
import { skillsBlock } from "../../../src/domain/prompt/skills-block.ts";
import { systemPrompt, type PromptAgent } from "../../../src/domain/prompt/system-prompt.ts";

const bare: PromptAgent = {
  name: "helper",
  home: "/agents/helper",
  soul: undefined,
  systemPrompt: undefined,
  instructions: undefined,
  directives: [],
  skills: [],
};
const moment = { startedAt: Date.UTC(2026, 10, 21, 23, 5, 59), sessionId: "session_X" };

test("the blocks stand in their order with a blank line between two", () => {
  const agent = {
    ...bare,
    soul: "SOUL\n",
    systemPrompt: "SYSTEM",
    instructions: "\nHOW",
    directives: ["one", "two\nlines"],
    skills: [{ name: "pdf", description: "Reads PDFs.", path: "/agents/helper/skills/pdf/SKILL.md" }],
  };
  assert.equal(
    systemPrompt(agent, { ...moment, contextBlock: "CONTEXT" }),
    `${safetyDirectives}\n\nSOUL\n\nSYSTEM\n\nHOW\n\n## Directives\n\n- one\n- two\n  lines\n\n${skillsBlock(agent.skills)}\n\nCONTEXT`,
  );
});

test("an agent without prompts still gets the safety directives", () => {
  assert.equal(systemPrompt(bare, moment), safetyDirectives);
});

test("templates take the turn's start in UTC, and only where the agent's own prompts stand", () => {
  const template = "{{date}} {{ time }} {{agent.name}} {{agent.home}} {{session.id}}";
  const values = "2026-11-21 23:05 UTC helper /agents/helper session_X";
  const agent = { ...bare, soul: template, systemPrompt: template, instructions: template, directives: ["{{date}}"] };
  const prompt = systemPrompt(agent, { ...moment, contextBlock: "{{date}}" });
  assert.equal(prompt.split(values).length, 4);
  assert.ok(prompt.includes("- {{date}}"));
  assert.ok(prompt.endsWith("\n\n{{date}}"));
});

test("what is no known variable stays as it is written", () => {
  const soul = "{{unknown}} {{date {{ }} {{constructor}} {{toString}} $& $1";
  assert.ok(systemPrompt({ ...bare, soul }, moment).endsWith(soul));
});

test("a value that looks like a template is not expanded again", () => {
  const agent = { ...bare, name: "{{date}}", soul: "I am {{agent.name}}" };
  assert.ok(systemPrompt(agent, moment).endsWith("I am {{date}}"));
});
