import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import type { Tool } from "../../src/ports/tool.ts";
import { agentHooksSchema } from "../../src/schema/agent-hooks.ts";
import type { ToolCall } from "../../src/schema/session-event.ts";
import { gate } from "../support/fake-model.ts";
import { eventsOf, harness, newSession, type Harness, type HarnessOptions } from "../support/runtime-harness.ts";
import { openRestartableStore, openTestStore } from "../support/test-store.ts";

const patient = { timeoutMs: 5_000, signal: new AbortController().signal };

/** A tool that only says that it ran. */
function tool(name: string, run: Tool["run"] = async () => ok(`${name} done`)): Tool {
  return {
    definition: { name, description: name, parameters: { type: "object" } },
    effect: "idempotent",
    fault: () => null,
    describe: () => ({ type: "builtin", text: name }),
    run,
  };
}
const ok = (content: string) => ({ success: true, outcome: "ok", content }) as const;

const call = (id: string, tool_name: string, given: Record<string, string | boolean> = {}): ToolCall => ({
  call_id: id,
  tool_name,
  arguments: given,
});

async function withHooks(running: Harness, hooks: object): Promise<Harness> {
  const agent = await running.parts.catalog.get("tester");
  if (agent) agent.definition.spec.hooks = agentHooksSchema.parse(hooks);
  return running;
}

async function world(t: TestContext, hooks: object, tools: Tool[], more: Partial<HarnessOptions> = {}) {
  const running = await withHooks(harness({ store: await openTestStore(t), tools, ...more }), hooks);
  const id = await newSession(running, "continue");
  /** One turn, in which the model makes these calls, a response each; what they came to. */
  const turn = async (...responses: ToolCall[][]): Promise<string[]> => {
    const before = (await eventsOf(running, id)).length;
    for (const calls of responses) running.model.reply({ calls });
    const sent = await running.sessions.send(id, { content: "go", source: "http", mayDecide: true });
    await running.sessions.answer(id, sent.messageId, patient);
    const events = (await eventsOf(running, id)).slice(before);
    return events.flatMap((event) =>
      event.type === "tool_result" ? [`${event.result.outcome}: ${event.result.content}`] : [],
    );
  };
  return { running, id, turn };
}

const depends = {
  before_tool: [{ match: "deploy", type: "depends_on", prior: "check:*", match_arg: "commit" }],
};
const check = call("c", "check", { action: "run", commit: "abc" });
const deploy = call("d", "deploy", { commit: "abc" });

test("a call that depends on another is denied until that one was made in the same turn", async (t) => {
  const { turn } = await world(t, depends, [tool("check"), tool("deploy")]);
  const [denied = "", ...rest] = await turn([deploy], [check], [deploy]);
  assert.match(denied, /^denied: Hook guard: deploy needs a check:\* with the same commit/);
  assert.deepEqual(rest, ["ok: check done", "ok: deploy done"]);
  assert.match((await turn([deploy]))[0] ?? "", /^denied: Hook guard/, "what an earlier turn did does not count");
  assert.deepEqual(await turn([check, deploy]), ["ok: check done", "ok: deploy done"]);
});

test("a guarded call is neither run nor asked about, and what policy denies is denied by policy", async (t) => {
  const never = tool("deploy", () => assert.fail("must not run"));
  const asking = await world(t, depends, [never], { policy: () => ({ policy: "ask", denial: null }) });
  assert.match((await asking.turn([deploy]))[0] ?? "", /^denied: Hook guard/);
  const types = (await eventsOf(asking.running, asking.id)).map((event) => event.type);
  assert.deepEqual(
    types.filter((type) => type === "tool_start" || type === "approval_required"),
    [],
  );
  const denying = await world(t, depends, [never], { policy: () => ({ policy: "deny", denial: "denied by policy" }) });
  assert.deepEqual(await denying.turn([deploy]), ["denied: Denied by policy."]);
});

test("the same call twice in a turn is run once where a hook says so", async (t) => {
  let runs = 0;
  const fetch = tool("fetch", async () => ok(`${(runs += 1)}`));
  const hooks = { before_tool: [{ match: "fetch", type: "skip_duplicate", match_args: ["url"] }] };
  const { turn } = await world(t, hooks, [fetch]);
  const [first, second = "", third] = await turn(
    [call("a", "fetch", { url: "x" }), call("b", "fetch", { url: "x" })],
    [call("c", "fetch", { url: "y" })],
  );
  assert.deepEqual([first, third, runs], ["ok: 1", "ok: 2", 2]);
  assert.match(second, /^denied: Hook guard: fetch was done in this turn already with the same url/);
});

test("a reminder stands below the result in the log, and so in every request that shows it", async (t) => {
  const hooks = { after_tool: [{ match: "check:*", message: "Tell the user.", unless: { quiet: true } }] };
  const fails = tool("check", async ({ arguments: given }) =>
    JSON.stringify(given).includes("fail") ? { success: false, outcome: "error", content: "no" } : ok("checked"),
  );
  const { turn, running } = await world(t, hooks, [fails]);
  const results = await turn(
    [call("a", "check", { action: "run" })],
    [call("b", "check", { action: "run", quiet: true })],
    [call("c", "check", { action: "fail" })],
  );
  assert.deepEqual(results, ["ok: checked\n\n[steering] Tell the user.", "ok: checked", "error: no"]);
  const shown = running.model.requests[1]?.messages.at(-1);
  assert.equal(shown?.role === "tool" && shown.results[0]?.content, "checked\n\n[steering] Tell the user.");
});

test("what a guard allowed is still allowed when a crash came in between", async (t) => {
  const disk = await openRestartableStore(t);
  const started = gate();
  const hangs = tool("deploy", () => (started.open(), new Promise(() => {})));
  const first = await withHooks(harness({ store: disk.store, tools: [tool("check"), hangs] }), depends);
  const id = await newSession(first, "continue");
  first.model.reply({ calls: [check] });
  first.model.reply({ calls: [deploy] });
  const sent = await first.sessions.send(id, { content: "go", source: "http", mayDecide: true });
  await started.opened;
  await disk.kill();
  const second = await withHooks(
    harness({ store: await disk.reopen(), tools: [tool("check"), tool("deploy")] }),
    depends,
  );
  await second.sessions.start();
  await second.sessions.answer(id, sent.messageId, patient);
  const results = (await eventsOf(second, id)).flatMap((event) =>
    event.type === "tool_result" ? [event.result.content] : [],
  );
  assert.deepEqual(results, ["check done", "deploy done"]);
});
