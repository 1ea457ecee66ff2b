import assert from "node:assert/strict";
import { test } from "node:test";

import { at, beginning, calls, events as e, given } from "../../support/given-when-then.ts";

const working = [e.start(), e.message(1), e.turn(1, [1])];
const called = (...ids: string[]) => [...working, e.response(3, { tool_calls: calls(...ids) })];
const ask = { tools: { x: { policy: "ask" as const } } };
const callIds = (step: { type: string; calls?: readonly { call: { call_id: string } }[] }) =>
  step.calls?.map((call) => call.call.call_id);

test("a turn alternates model calls and tool calls and ends with a response without calls", () => {
  given(...working).then({ type: "call_model" });
  given(...called("x")).then({ type: "run_tools" });
  given(...called("x"), e.toolStart("x"), e.result("x")).then({ type: "call_model" });
  given(...called("x"), e.toolStart("x"), e.result("x"), e.response(6)).then({
    type: "end_turn",
    outcome: "completed",
    settle: [],
  });
});

test("a response that was cut by its length or refused is a last word", () => {
  for (const stop of ["length", "refused"] as const)
    given(...working, e.response(3, { stop_reason: stop })).then({ type: "end_turn", outcome: "completed" });
});

test("calls run one after another in the model's order", () => {
  assert.deepEqual(callIds(given(...called("x", "y", "z")).next()), ["x"]);
  assert.deepEqual(callIds(given(...called("x", "y", "z"), e.toolStart("x"), e.result("x")).next()), ["y"]);
});

test("neighbours that are safe beside each other run together, eight at most", () => {
  const tools = { p: { parallelSafe: true } };
  const ids = Array.from({ length: 10 }, (_, n) => `p${n}`);
  assert.deepEqual(callIds(given(...called(...ids)).next({ tools })), ids.slice(0, 8));
  assert.deepEqual(callIds(given(...called("p1", "p2", "x", "p3")).next({ tools })), ["p1", "p2"]);
  assert.deepEqual(callIds(given(...called("x", "p1", "p2")).next({ tools })), ["x"]);
  assert.deepEqual(callIds(given(...called("p1")).next({ tools })), ["p1"]);
});

test("a group of safe calls ends before one that must be asked about or is denied", () => {
  const tools = { p: { parallelSafe: true }, q: { parallelSafe: true, policy: "ask" as const } };
  assert.deepEqual(callIds(given(...called("p1", "p2", "q", "p3")).next({ tools })), ["p1", "p2"]);
});

test("a call id that comes twice is one call", () => {
  const tools = { p: { parallelSafe: true } };
  const log = called("p", "p");
  assert.deepEqual(callIds(given(...log).next({ tools })), ["p"]);
  given(...log, e.toolStart("p"), e.result("p")).then({ type: "call_model" });
});

test("a later response may use a call id again", () => {
  const log = [...called("x"), e.toolStart("x"), e.result("x"), e.response(6, { tool_calls: calls("x") })];
  given(...log).then({ type: "run_tools" });
});

test("a call that policy denies gets its result, and the turn goes on", () => {
  const tools = { x: { policy: "deny" as const, denial: "not here" } };
  given(...called("x", "y")).then({ type: "deny_call", why: "not here" }, { tools });
  assert.deepEqual(callIds(given(...called("x", "y"), e.result("x", "denied")).next({ tools })), ["y"]);
});

test("calls before one that must be asked about have run when it is asked; the rest waits", () => {
  const log = called("y", "x", "z");
  assert.deepEqual(callIds(given(...log).next(ask)), ["y"]);
  const done = [...log, e.toolStart("y"), e.result("y")];
  given(...done).then({ type: "request_approval", command: "run x", requesterId: undefined, expiresAt: null }, ask);
  given(...done, e.asked(1, "x")).then({ type: "wait", for: "approval", until: null }, ask);
});

test("at most one approval is pending", () => {
  const both = { tools: { x: { policy: "ask" as const }, y: { policy: "ask" as const } } };
  given(...called("x", "y"), e.asked(1, "x")).then({ type: "wait", for: "approval" }, both);
  given(...called("x", "y"), e.asked(1, "x"), e.decided(1, "x", "allow_once"), e.toolStart("x"), e.result("x")).then(
    { type: "request_approval", command: "run y" },
    both,
  );
});

test("an approval is for the tool as it was asked about: one that its server changed since is asked about again", () => {
  const one = { tools: { x: { policy: "ask" as const, fingerprint: "one" } } };
  const other = { tools: { x: { policy: "ask" as const, fingerprint: "other" } } };
  given(...called("x")).then({ type: "request_approval", fingerprint: "one" }, one);
  const approved = [...called("x"), e.asked(1, "x", { fingerprint: "one" }), e.decided(1, "x", "allow_once")];
  given(...approved).then({ type: "run_tools" }, one);
  given(...approved).then({ type: "request_approval", fingerprint: "other" }, other);
  const allowedNow = { tools: { x: { policy: "allow" as const, fingerprint: "other" } } };
  given(...approved).then({ type: "request_approval", fingerprint: "other" }, allowedNow);
  const again = [...approved, e.asked(2, "x", { fingerprint: "other" }), e.decided(2, "x", "allow_once")];
  given(...again).then({ type: "run_tools" }, other);
  const rerun = { tools: { x: { effect: "pure" as const, fingerprint: "other" } } };
  given(...approved, e.toolStart("x")).then({ type: "request_approval" }, rerun);
});

test("an approved call whose tool has changed does not run beside its neighbours", () => {
  const tools = { x: { parallelSafe: true }, y: { parallelSafe: true, fingerprint: "other" } };
  const log = [...called("x", "y"), e.asked(1, "y", { fingerprint: "one" }), e.decided(1, "y", "allow_once")];
  assert.deepEqual(callIds(given(...log).next({ tools })), ["x"]);
});

test("the question names who asked first and when it expires", () => {
  const log = [
    e.start(),
    e.message(1, { sender_id: "bob" }),
    e.turn(1, [1]),
    e.response(3, { tool_calls: calls("x") }),
  ];
  given(...log).then(
    { type: "request_approval", requesterId: "bob", expiresAt: beginning + 5_000 },
    { ...ask, limits: { approvalTimeoutMs: 5_000 } },
  );
});

test("an approved call runs, a denied one gets its result; the first decision counts", () => {
  const asked = [...called("x"), e.asked(1, "x")];
  given(...asked, e.decided(1, "x", "allow_once")).then({ type: "run_tools" }, ask);
  given(...asked, e.decided(1, "x", "deny")).then({ type: "deny_call", why: "denied by alice" }, ask);
  given(...asked, e.decided(1, "x", "deny"), e.decided(1, "x", "allow_once")).then({ type: "deny_call" }, ask);
  given(...asked, e.decided(1, "x", "allow_always"), e.decided(1, "x", "deny")).then({ type: "run_tools" }, ask);
});

test("what policy forbids by now is not run, although it was allowed", () => {
  const denied = { tools: { x: { policy: "deny" as const, denial: "not here", parallelSafe: true } } };
  const allowed = [...called("x"), e.asked(1, "x"), e.decided(1, "x", "allow_once")];
  given(...allowed).then({ type: "deny_call", why: "not here" }, denied);
  const lost = [...called("x"), e.toolStart("x"), e.asked(1, "x"), e.decided(1, "x", "allow_once")];
  given(...lost).then(
    { type: "deny_call", why: "not here; an earlier run of this call was interrupted and may have taken effect" },
    denied,
  );
  const beside = { tools: { ...denied.tools, y: { parallelSafe: true } } };
  assert.deepEqual(callIds(given(...called("y", "x")).next(beside)), ["y"]);
});

test("an approval reaches the call that was asked about and no other", () => {
  const log = given(...called("x", "y"), e.asked(1, "x"), e.decided(1, "y", "allow_once"));
  assert.deepEqual(
    log.state.turn?.calls.map((call) => call.status),
    ["approved", "waiting"],
  );
});

test("a decision about a question that was never asked changes nothing", () => {
  given(...called("x"), e.asked(1, "x"), e.decided(2, "x", "allow_once")).then({ type: "wait", for: "approval" }, ask);
});

test("an approval allows one execution: asked again about the call, the old one does not count", () => {
  const lost = [...called("x"), e.asked(1, "x"), e.decided(1, "x", "allow_once"), e.toolStart("x"), e.asked(2, "x")];
  given(...lost).then({ type: "wait", for: "approval" }, ask);
  given(...lost, e.decided(1, "x", "allow_once")).then({ type: "wait", for: "approval" }, ask);
  given(...lost, e.decided(2, "x", "allow_once")).then({ type: "run_tools" }, ask);
});

test("no answer in time is a denial, also while the session is paused", () => {
  const log = [...called("x", "y"), e.asked(1, "x", { expires_at: at(1_000) })];
  given(...log).then({ type: "wait", for: "approval", until: beginning + 1_000 }, { ...ask, atMs: 999 });
  given(...log).then({ type: "expire_approval" }, { ...ask, atMs: 1_000 });
  const paused = [...log, e.status("active", "paused", "detach")];
  given(...paused).then(
    { type: "wait", for: "client", until: beginning + 1_000 },
    { ...ask, attached: false, atMs: 999 },
  );
  given(...paused).then({ type: "expire_approval" }, { ...ask, attached: false, atMs: 1_000 });
  given(...log, e.decided(1, "x", "deny", "expiry")).then({ type: "deny_call", why: "nobody answered in time" }, ask);
});

const bobs = [
  e.start(),
  e.message(1, { sender_id: "bob" }),
  e.turn(1, [1]),
  e.response(3, { tool_calls: calls("x", "y") }),
];
const bobAsks = [...bobs, e.asked(1, "x", { requester_id: "bob" })];

test("a steering message by the requester or by who may decide denies the pending question", () => {
  for (const who of [{ sender_id: "bob" }, { may_decide: true } as const]) {
    const log = [...bobAsks, e.message(2, who)];
    given(...log).then({ type: "deny_call", why: "superseded by a new message" }, ask);
    given(...log, e.result("x", "denied")).then({ type: "skip_tools", callIds: ["y"] }, ask);
    given(...log, e.decided(1, "x", "allow_once")).then({ type: "deny_call" }, ask);
  }
});

test("anyone else's message waits for the answer, an interrupting one too", () => {
  for (const way of ["steer", "interrupt"] as const)
    given(...bobAsks, e.message(2, { sender_id: "eve", delivery: way })).then({ type: "wait", for: "approval" }, ask);
  given(...bobAsks, e.message(2, { sender_id: "bob", delivery: "queue" })).then({ type: "wait", for: "approval" }, ask);
});

test("an interrupting message by the requester ends the turn and its question", () => {
  given(...bobAsks, e.message(2, { sender_id: "bob", delivery: "interrupt" })).then(
    {
      type: "cancel_turn",
      settle: [
        { callId: "x", as: "skipped" },
        { callId: "y", as: "skipped" },
      ],
    },
    ask,
  );
});

test("the answer of another's waiting message comes after the approved call has run", () => {
  const log = [...bobAsks, e.message(2, { sender_id: "eve" }), e.decided(1, "x", "allow_once")];
  given(...log).then({ type: "skip_tools", callIds: ["y"] }, ask);
  given(...log, e.skipped(["y"])).then({ type: "run_tools" }, ask);
});

test("cancel gives every open call the result that fits what is known of it", () => {
  const log = called("a", "b", "c", "d");
  const states = [
    ...log,
    e.toolStart("a"),
    e.result("a"),
    e.toolStart("b"),
    e.asked(1, "c"),
    e.decided(1, "c", "allow_once"),
  ];
  given(...states, e.control("cancel")).then({
    type: "cancel_turn",
    outcome: "cancelled",
    settle: [
      { callId: "b", as: "cancelled" },
      { callId: "c", as: "skipped" },
      { callId: "d", as: "skipped" },
    ],
  });
});

test("cancel works while a question waits, and while the session is paused", () => {
  const cancelled = [...bobAsks, e.control("cancel")];
  given(...cancelled).then({ type: "cancel_turn" });
  given(...bobAsks, e.status("active", "paused", "detach"), e.control("cancel")).then(
    { type: "cancel_turn" },
    { attached: false },
  );
});

test("a call that was lost once may have taken effect, whatever was asked about it since", () => {
  const log = [...called("x"), e.toolStart("x"), e.asked(1, "x")];
  given(...log, e.control("cancel")).then({ type: "cancel_turn", settle: [{ callId: "x", as: "cancelled" }] });
  const denied = given(...log, e.decided(1, "x", "deny")).next();
  assert.match(denied.type === "deny_call" ? denied.why : "", /may have taken effect/);
});

test("cancel after the answer leaves the answer", () => {
  given(...working, e.response(3), e.control("cancel")).then({ type: "end_turn", outcome: "completed" });
});

test("a partial text of a cancelled call ends the turn as cancelled, and none of its calls runs", () => {
  const partial = e.response(3, { stop_reason: "cancelled", content: "I beg" });
  given(...working, e.control("cancel"), partial).then({ type: "cancel_turn", outcome: "cancelled" });
  given(...working, e.response(3, { stop_reason: "cancelled", tool_calls: calls("x") })).then({
    type: "cancel_turn",
    settle: [{ callId: "x", as: "skipped" }],
  });
});

test("the most model calls end the turn with a notice", () => {
  const limits = { maxToolIterations: 1 };
  given(...called("x")).then({ type: "run_tools" }, { limits });
  const step = given(...called("x"), e.toolStart("x"), e.result("x")).next({ limits });
  assert.partialDeepStrictEqual(step, { type: "end_turn", outcome: "limit_reached" });
  assert.match(step.type === "end_turn" ? (step.notice ?? "") : "", /max_tool_iterations/);
  given(...working, e.response(3)).then({ type: "end_turn", outcome: "completed" }, { limits });
});

test("steering does not carry a turn past its limits: the message starts a new turn", () => {
  const limits = { maxToolIterations: 1 };
  const log = [...working, e.message(2), e.response(3)];
  given(...log).then({ type: "end_turn", outcome: "limit_reached" }, { limits });
  given(...log, e.turnEnd("limit_reached")).then({ type: "start_turn" }, { limits });
});

test("the working time of a turn is the sum of its calls, and ends it, open calls and all", () => {
  const limits = { maxTurnMs: 1_000 };
  const log = [...working, e.response(3, { latency_ms: 600, tool_calls: calls("x", "y") }), e.toolStart("x")];
  given(...log, e.result("x", "ok", { duration_ms: 399 })).then({ type: "run_tools" }, { limits, atMs: 1e9 });
  given(...log, e.result("x", "ok", { duration_ms: 400 })).then(
    { type: "end_turn", outcome: "limit_reached", settle: [{ callId: "y", as: "skipped" }] },
    { limits },
  );
});

test("a model call that was cut off by the turn's time is a limit, not a cancellation", () => {
  given(...working, e.response(3, { latency_ms: 1_000, stop_reason: "cancelled" })).then(
    { type: "end_turn", outcome: "limit_reached" },
    { limits: { maxTurnMs: 1_000 } },
  );
});

test("approvals and restarts do not reset the limits", () => {
  const log = [
    ...called("x"),
    e.asked(1, "x"),
    e.decided(1, "x", "allow_once"),
    e.toolStart("x"),
    e.resumed(1),
    e.result("x"),
  ];
  given(...log).then({ type: "end_turn", outcome: "limit_reached" }, { limits: { maxToolIterations: 1 } });
});

test("a budget that is spent ends the turn before the next model call", () => {
  const limits = { spent: "The budget is spent." };
  given(...working).then({ type: "end_turn", outcome: "limit_reached", notice: "The budget is spent." }, { limits });
  given(...called("x")).then({ type: "run_tools" }, { limits });
  given(...working, e.response(3)).then({ type: "end_turn", outcome: "completed" }, { limits });
});

test("a definition that can not be had ends the turn as failed, started calls and all", () => {
  given(...called("x"), e.toolStart("x")).then(
    {
      type: "end_turn",
      outcome: "failed",
      settle: [{ callId: "x", as: "interrupted" }],
      error: { code: "agent-not-found" } as never,
    },
    { limits: { agentMissing: "gone" } },
  );
});

test("the history is summarised once a turn, before the next model call", () => {
  const limits = { compactThrough: 2 };
  given(...working).then({ type: "compact", throughSeq: 2 }, { limits });
  given(...working, e.compacted(2)).then({ type: "call_model" }, { limits });
  given(...called("x")).then({ type: "run_tools" }, { limits });
});
