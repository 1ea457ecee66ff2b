import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { nodeFileSystem } from "../../../src/adapters/file-system/node.ts";
import { openMemoryStore } from "../../../src/adapters/stores/registry.ts";
import { memoryTool } from "../../../src/adapters/tools/memory.ts";
import type { Tool } from "../../../src/ports/tool.ts";
import { gate } from "../../support/fake-model.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { eventually, harness, newSession } from "../../support/runtime-harness.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { openRestartableStore } from "../../support/test-store.ts";
import { call, workbench } from "./files/workbench.ts";

const dayMs = 86_400_000;

async function world(t: TestContext, recallDays?: number) {
  const { agent } = await workbench(t);
  agent.definition.spec.memory = recallDays === undefined ? {} : { recall_days: recallDays };
  const folder = `${await temporaryFolder(t)}/memory`;
  const memory = await openMemoryStore("filesystem", { folder, fs: nodeFileSystem });
  const clock = new ManualClock();
  const tool = memoryTool({ agent, memory, clock });
  let keys = 0;
  const ask = async (given: object): Promise<string> => {
    const result = await call(tool, given, { idempotencyKey: `key-${(keys += 1)}` });
    return `${result.outcome}: ${result.content}`;
  };
  return { tool, memory, clock, ask };
}

test("recall shows the world, the agent's MEMORY.md and what was noted in the last days", async (t) => {
  const { ask, clock } = await world(t);
  assert.equal(await ask({ action: "recall" }), "ok: No memories found.");
  await ask({ action: "remember", content: "too long ago" });
  clock.advance(3 * dayMs);
  await ask({ action: "remember", content: "Tea, not coffee.", kind: "preference" });
  await ask({ action: "update_world", topic: "Office", content: "It is in Vienna." });
  await ask({ action: "reflect", content: "I am the tester." });
  assert.equal(
    await ask({ action: "recall" }),
    "ok: # World Knowledge\n\n## office\n\nIt is in Vienna.\n\n---\n\n# Your Memory\n\nI am the tester.\n\n---\n\n" +
      "# Recent Experiences\n\n- 2026-11-24, preference: Tea, not coffee.",
  );
  assert.match(await ask({ action: "recall", days: 4 }), /too long ago/);
  assert.doesNotMatch(await ask({ action: "recall", days: 0 }), /Recent/);
});

test("an agent can say how many days it recalls", async (t) => {
  const { ask, clock } = await world(t, 10);
  await ask({ action: "remember", content: "a week ago" });
  clock.advance(7 * dayMs);
  assert.match(await ask({ action: "recall" }), /a week ago/);
});

test("reflect reads MEMORY.md, or replaces it", async (t) => {
  const { ask } = await world(t);
  assert.equal(await ask({ action: "reflect" }), "ok: MEMORY.md is empty.");
  await ask({ action: "reflect", content: "one" });
  await ask({ action: "reflect", content: "two" });
  assert.equal(await ask({ action: "reflect" }), "ok: two");
});

test("search finds words in all of memory, and says when there is more", async (t) => {
  const { ask } = await world(t);
  await ask({ action: "remember", content: "The Blue door\nis open", kind: "fact" });
  await ask({ action: "update_world", topic: "doors", content: "blue ones are old" });
  assert.equal(
    await ask({ action: "search", query: "blue DOOR" }),
    "ok: - world, doors: blue ones are old\n- 2026-11-21, fact: The Blue door\n  is open",
  );
  assert.equal(await ask({ action: "search", query: "red" }), "ok: Nothing was found.");
  for (let index = 0; index < 25; index += 1) await ask({ action: "remember", content: `many ${index}` });
  const many = await ask({ action: "search", query: "many" });
  assert.match(many, /many 24\n/);
  assert.match(many, /\[there is more: search for more words\]$/);
});

test("what is recalled is bounded, and says what was left out", async (t) => {
  const { ask } = await world(t);
  for (let index = 0; index < 12; index += 1)
    await ask({ action: "remember", content: `number ${index} ${"ü".repeat(700)}` });
  await ask({ action: "reflect", content: "ü".repeat(100_000) });
  const recalled = await ask({ action: "recall" });
  assert.ok(Buffer.byteLength(recalled) < 32_000, `${Buffer.byteLength(recalled)} bytes`);
  assert.match(recalled, /\[cut: 190000 more bytes\]/);
  assert.match(recalled, /number 11 /);
  assert.match(recalled, /\[6 older or further ones were left out: use search\]$/);
  assert.doesNotMatch(recalled, /\uFFFD/);
});

test("a call that is run again with its key remembers nothing twice", async (t) => {
  const { tool, memory } = await world(t);
  const given = { action: "remember", content: "once" };
  await call(tool, given);
  await call(tool, given, { attempt: 2 });
  assert.equal((await memory.query("tester", { limit: 10 })).length, 1);
});

test("a crash between the write and its result leaves one entry, and the turn goes on", async (t) => {
  const { tool, memory } = await world(t);
  const disk = await openRestartableStore(t);
  const written = gate();
  const dies: Tool = {
    ...tool,
    async run(toolCall, context) {
      await tool.run(toolCall, context);
      written.open();
      return new Promise(() => undefined);
    },
  };
  const first = harness({ store: disk.store, tools: [dies] });
  const id = await newSession(first, "continue");
  const given = { action: "remember", content: "once" };
  first.model.reply({ calls: [{ call_id: "c1", tool_name: "memory", arguments: given }] });
  const sent = await first.sessions.send(id, { content: "go", source: "http", mayDecide: true });
  await written.opened;
  await disk.kill();
  const second = harness({ store: await disk.reopen(), tools: [tool] });
  await second.sessions.start();
  await second.sessions.answer(id, sent.messageId, { timeoutMs: 5_000, signal: AbortSignal.timeout(5_000) });
  const result = await eventually(second, id, (event) => event.type === "tool_result");
  assert.equal(result.type === "tool_result" && result.result.content, "Remembered.");
  assert.deepEqual(
    (await memory.query("tester", { limit: 10 })).map((entry) => entry.content),
    ["once"],
  );
});

test("what can not be remembered is an error that the model can read", async (t) => {
  const { ask } = await world(t);
  assert.match(await ask({ action: "remember", content: "x".repeat(20_000) }), /^error: .*at most 16384/);
  assert.match(await ask({ action: "remember", content: " " }), /^error: .*content is empty/);
  assert.match(await ask({ action: "update_world", topic: "..", content: "x" }), /^error: topic needs a letter/);
  assert.match(await ask({ action: "forget" }), /^error: The arguments of memory are wrong/);
  assert.match(await ask({ action: "remember", content: "x", days: 3 }), /^error: The arguments of memory are wrong/);
});

test("what only reads is pure, what writes is idempotent", async (t) => {
  const { tool } = await world(t);
  const effect = (given: object) => tool.effectOf?.({ call_id: "c", tool_name: "memory", arguments: { ...given } });
  assert.deepEqual([{ action: "recall" }, { action: "search", query: "x" }, { action: "reflect" }].map(effect), [
    "pure",
    "pure",
    "pure",
  ]);
  assert.deepEqual(
    [
      { action: "remember", content: "x" },
      { action: "reflect", content: "x" },
      { action: "update_world", topic: "t", content: "x" },
      { action: "reflect", content: "" },
    ].map(effect),
    ["idempotent", "idempotent", "idempotent", "idempotent"],
  );
  assert.equal(
    tool.describe({ call_id: "c", tool_name: "memory", arguments: { action: "recall" } }).text,
    "memory:recall",
  );
});
