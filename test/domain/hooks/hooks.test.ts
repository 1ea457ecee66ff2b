import assert from "node:assert/strict";
import { test } from "node:test";

import { callsOfTurn, guard, type EarlierCall } from "../../../src/domain/hooks/guard.ts";
import { hooksInForce, type Hooks } from "../../../src/domain/hooks/hooks.ts";
import { equalJson } from "../../../src/domain/hooks/match-call.ts";
import { reminders, withReminders } from "../../../src/domain/hooks/reminders.ts";
import { agentHooksSchema } from "../../../src/schema/agent-hooks.ts";
import type { SessionEvent, ToolCall } from "../../../src/schema/session-event.ts";

type Arguments = Record<string, string | number | boolean | null | string[]>;

const call = (tool_name: string, given: Arguments = {}): ToolCall => ({ call_id: "c", tool_name, arguments: given });
const ok = { success: true, outcome: "ok", content: "" } as const;
const failed = { success: false, outcome: "error", content: "" } as const;
const earlier = (...calls: ToolCall[]): EarlierCall[] => calls.map((one) => ({ call: one, result: ok }));
const hooks = (written: object): Hooks => agentHooksSchema.parse(written);

test("a call that depends on another is made only after that one has succeeded with the same argument", () => {
  const written = hooks({
    before_tool: [{ match: "deploy", type: "depends_on", prior: "tests:*", match_arg: "commit" }],
  });
  const deploy = call("deploy", { commit: "abc" });
  const because = (before: EarlierCall[]): string | null => guard(written, deploy, () => before);
  assert.match(because([]) ?? "", /^Hook guard: deploy needs a tests:\* with the same commit before it in this turn/);
  assert.match(because(earlier(call("tests", { action: "run", commit: "other" }))) ?? "", /^Hook guard: /);
  assert.match(because([{ call: call("tests", { action: "run", commit: "abc" }), result: failed }]) ?? "", /^Hook/);
  assert.equal(because(earlier(call("tests", { action: "run", commit: "abc" }))), null);
  assert.equal(
    guard(written, call("other"), () => assert.fail("nobody asks")),
    null,
  );
});

test("the same call again is not made where a hook says so, and a failed one may be repeated", () => {
  const written = hooks({ before_tool: [{ match: "web:*", type: "skip_duplicate", match_args: ["url", "tags"] }] });
  const fetch = (url: string, tags = ["a"]) => call("web", { action: "fetch", url, tags, note: Math.random() });
  assert.match(
    guard(written, fetch("x"), () => earlier(fetch("x"))) ?? "",
    /^Hook guard: web:fetch was done in this turn already with the same url, tags/,
  );
  for (const other of [fetch("y"), fetch("x", ["b"]), call("web", { action: "search", url: "x", tags: ["a"] })])
    assert.equal(
      guard(written, fetch("x"), () => earlier(other)),
      null,
    );
  assert.equal(
    guard(written, fetch("x"), () => [{ call: fetch("x"), result: failed }]),
    null,
  );
});

test("without arguments to compare, a duplicate is none", () => {
  const written = hooks({ before_tool: [{ match: "x", type: "skip_duplicate" }] });
  assert.equal(
    guard(written, call("x"), () => earlier(call("x"))),
    null,
  );
});

test("reminders follow what succeeded, unless an argument says that they are not needed", () => {
  const written = hooks({
    after_tool: [
      { match: "p:*", message: "one" },
      { match: "p:spawn", message: "two", unless: { wait: true, detached: "yes" } },
    ],
  });
  assert.deepEqual(reminders(written, call("p", { action: "spawn" }), ok), ["one", "two"]);
  assert.deepEqual(reminders(written, call("p", { action: "spawn", wait: false }), ok), ["one", "two"]);
  assert.deepEqual(reminders(written, call("p", { action: "spawn", wait: true }), ok), ["one"]);
  assert.deepEqual(reminders(written, call("p", { action: "spawn", detached: "yes" }), ok), ["one"]);
  assert.deepEqual(reminders(written, call("p", { action: "list" }), failed), []);
  assert.equal(withReminders({ ...ok, content: "done" }, ["one", "two"]).content, "done\n\n[steering] one\ntwo");
  assert.deepEqual(withReminders(ok, []), ok);
});

test("keys are sent to a process only after a look at it, and a memory is recalled once", () => {
  const inForce = hooksInForce(undefined);
  const keys = call("background_process", { action: "send_keys", handle: "h", keys: "q" });
  const capture = (handle: string) => call("background_process", { action: "capture", handle });
  assert.match(guard(inForce, keys, () => earlier(capture("other"))) ?? "", /^Hook guard: /);
  assert.equal(
    guard(inForce, keys, () => earlier(capture("h"))),
    null,
  );
  assert.match(
    guard(inForce, call("memory", { action: "recall" }), () => earlier(call("memory", { action: "recall" }))) ?? "",
    /^Hook/,
  );
  assert.equal(
    guard(inForce, call("memory", { action: "recall", days: 9 }), () => earlier(call("memory", { action: "recall" }))),
    null,
  );
  assert.equal(reminders(inForce, capture("h"), ok).length, 1);
  assert.equal(reminders(inForce, call("background_process", { action: "spawn" }), ok).length, 1);
  assert.equal(reminders(inForce, call("background_process", { action: "spawn", wait: true }), ok).length, 0);
});

test("an agent's own hook replaces the default with the same match, and no other", () => {
  const own = hooks({
    before_tool: [{ match: "background_process:send_keys", type: "skip_duplicate" }],
    after_tool: [{ match: "background_process:capture", message: "mine" }],
  });
  const inForce = hooksInForce(own);
  assert.deepEqual(
    inForce.before_tool.map(({ match, type }) => [match, type]),
    [
      ["background_process:send_keys", "skip_duplicate"],
      ["memory:recall", "skip_duplicate"],
    ],
  );
  assert.deepEqual(
    inForce.after_tool.map(({ match }) => match),
    ["background_process:capture", "background_process:spawn"],
  );
  assert.equal(inForce.after_tool[0]?.message, "mine");
});

test("JSON values are equal whatever the order of their keys, and only then", () => {
  const cases: [unknown, unknown, boolean][] = [
    [{ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 }, true],
    [[1, 2], [2, 1], false],
    [[1], { 0: 1 }, false],
    [{ a: undefined }, {}, false],
    [null, {}, false],
    [1, "1", false],
  ];
  for (const [a, b, expected] of cases) assert.equal(equalJson(a, b), expected);
});

test("only calls of the open turn that came to something count", () => {
  const at = { timestamp: "2026-11-21T12:00:00.000Z" };
  const response = (seq: number, id: string) =>
    ({
      ...at,
      seq,
      type: "assistant_response",
      tool_calls: [{ ...call("x"), call_id: id }],
    }) as unknown as SessionEvent;
  const result = (seq: number, id: string) =>
    ({ ...at, seq, type: "tool_result", call_id: id, result: ok, duration_ms: 1 }) as SessionEvent;
  const events = [
    response(3, "before"),
    result(4, "before"),
    { ...at, seq: 5, type: "turn_start", message_ids: [], agent_digest: "d" } as SessionEvent,
    response(6, "done"),
    result(7, "done"),
    response(8, "open"),
  ];
  assert.deepEqual(
    callsOfTurn(events, 5).map((one) => one.call.call_id),
    ["done"],
  );
});
