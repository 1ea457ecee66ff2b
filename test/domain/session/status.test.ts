import assert from "node:assert/strict";
import { test } from "node:test";

import { calls, events as e, given } from "../../support/given-when-then.ts";

const away = { attached: false };
const start = [e.start()];
const forever = [e.start({ on_disconnect: "continue" })];
const working = [e.message(1), e.turn(1, [1])];
const running = [...forever, ...working, e.status("active", "running", "detach")];
const paused = [...start, ...working, e.status("active", "paused", "detach")];
const limits = { maxBackgroundMs: 1_000 };

test("a session that idles is active, whoever is there", () => {
  for (const log of [start, forever])
    for (const attached of [true, false]) given(...log).then({ type: "wait", for: "message" }, { attached });
});

test("work with a client goes on as active", () => {
  given(...start, ...working).then({ type: "call_model" });
});

test("in pause mode work without a client pauses before anything else is done", () => {
  given(...start, ...working).then({ type: "pause", from: "active", to: "paused", cause: "detach" }, away);
  given(...start, e.message(1)).then({ type: "pause", to: "paused" }, away);
  given(...start, ...working, e.response(3, { tool_calls: calls("x") }))
    .then({ type: "pause" }, away)
    .then({ type: "run_tools" });
});

test("in continue mode work goes on as running", () => {
  given(...forever, ...working).then({ type: "resume", from: "active", to: "running", cause: "detach" }, away);
  given(...forever, e.message(1)).then({ type: "resume", to: "running", cause: "message" }, away);
  given(...running).then({ type: "call_model" }, away);
});

test("the client that comes back makes it active again", () => {
  given(...running).then({ type: "resume", from: "running", to: "active", cause: "attach" });
  given(...paused).then({ type: "resume", from: "paused", to: "active", cause: "attach" });
});

test("a session whose work is done becomes active though nobody is there", () => {
  given(...running, e.response(3), e.turnEnd()).then({ type: "resume", from: "running", to: "active" }, away);
});

test("a paused session waits for a client, and does nothing until one comes", () => {
  given(...paused).then({ type: "wait", for: "client", until: null }, away);
});

test("an unattended message lets its turn go on without a client", () => {
  const turn = [...start, e.message(1, { unattended: true }), e.turn(1, [1])];
  given(...turn).then({ type: "resume", to: "running" }, away);
  given(...turn, e.status("active", "running", "detach")).then({ type: "call_model" }, away);
});

test("an unattended message wakes a turn that waits for a client, and the turn that takes it in stays unattended", () => {
  const steered = [...paused, e.message(2, { unattended: true })];
  given(...steered).then({ type: "resume", from: "paused", to: "running", cause: "message" }, away);
  const taken = given(...steered, e.status("paused", "running", "message"), e.response(6, { tool_calls: calls("x") }));
  assert.equal(taken.state.turn?.unattended, true);
  taken.then({ type: "run_tools" }, away);
});

test("resume by a caller who is not attached lets the open turn go on alone", () => {
  given(...paused, e.control("resume", { unattended: true })).then(
    { type: "resume", to: "running", cause: "resume" },
    away,
  );
});

test("resume by a caller who is not attached also starts the turn of a message that waits", () => {
  given(...start, e.message(1), e.status("active", "paused", "detach"), e.control("resume", { unattended: true })).then(
    { type: "resume", to: "running" },
    away,
  );
});

test("a pause that was asked for holds with a client attached", () => {
  const asked = [...start, ...working, e.control("pause")];
  given(...asked).then({ type: "pause", from: "active", to: "paused", cause: "pause" });
  given(...asked, e.status("active", "paused", "pause")).then({ type: "wait", for: "resume" });
});

test("a pause that was asked for ends with resume, a steer or an interrupt, not with a queued message", () => {
  const held = [...start, ...working, e.control("pause"), e.status("active", "paused", "pause")];
  given(...held, e.control("resume")).then({ type: "resume", to: "active" });
  given(...held, e.message(2)).then({ type: "resume", to: "active" });
  given(...held, e.message(2, { delivery: "interrupt" })).then({ type: "resume", to: "active" });
  given(...held, e.message(2, { delivery: "queue" })).then({ type: "wait", for: "resume" });
});

test("the background limit pauses after that much work, as the log tells it", () => {
  const worked = [...running, e.response(3, { latency_ms: 600, tool_calls: calls("x") }), e.toolStart("x")];
  given(...worked, e.result("x", "ok", { duration_ms: 399 })).then({ type: "call_model" }, { ...away, limits });
  given(...worked, e.result("x", "ok", { duration_ms: 400 })).then(
    { type: "pause", from: "running", to: "paused", cause: "background_limit" },
    { ...away, limits },
  );
});

test("work done while a client was there does not count towards the background limit", () => {
  given(
    ...forever,
    ...working,
    e.response(3, { latency_ms: 5_000, tool_calls: calls("x") }),
    e.status("active", "running", "detach"),
  ).then({ type: "run_tools" }, { ...away, limits });
});

test("a restart or a takeover does not reset the background limit", () => {
  const log = [...running, e.response(3, { latency_ms: 999, tool_calls: calls("x") }), e.toolStart("x"), e.resumed(1)];
  given(...log, e.result("x", "interrupted", { duration_ms: 1 })).then(
    { type: "pause", cause: "background_limit" },
    { ...away, limits, lease: { epoch: 1, previous: "lost" } },
  );
});

test("what was cut off by the background limit counts as work, so it is not made again at once", () => {
  const usage = { prompt_tokens: 1, completion_tokens: 0, total_tokens: 1 };
  const cut = {
    timestamp: "2026-01-01T00:00:00.000Z",
    type: "usage_recorded",
    usage,
    model: "m",
    reason: "background_limit",
  } as const;
  given(...running, { ...cut, latency_ms: 61_000 }).then(
    { type: "pause", cause: "background_limit" },
    { ...away, limits },
  );
});

test("after the background limit a client, a message or resume lets it go on, with a new allowance", () => {
  const spent = [
    ...running,
    e.response(3, { latency_ms: 2_000, tool_calls: calls("x") }),
    e.status("running", "paused", "background_limit"),
  ];
  given(...spent)
    .then({ type: "wait", for: "client" }, { ...away, limits })
    .then({ type: "resume", to: "active" }, { limits });
  for (const woken of [e.message(2), e.message(2, { delivery: "queue" }), e.control("resume", { unattended: true })]) {
    const log = [...spent, woken];
    given(...log).then({ type: "resume", to: "running" }, { ...away, limits });
    const step = given(...log, e.status("paused", "running", "message")).next({ ...away, limits });
    assert.notEqual(step.type, "pause");
  }
});

test("after a crash the change of status names the recovery, until the turn has been taken up", () => {
  const lost = { ...away, lease: { epoch: 2, previous: "lost" as const } };
  given(...start, ...working).then({ type: "pause", cause: "recovery" }, lost);
  given(...forever, ...working).then({ type: "resume", to: "running", cause: "recovery" }, lost);
  given(...forever, ...working, { ...e.resumed(1) }).then({ type: "resume", cause: "recovery" }, lost);
});

test("a paused session stays paused after a crash", () => {
  given(...paused).then({ type: "wait", for: "client" }, { ...away, lease: { epoch: 2, previous: "lost" } });
});

test("while a step runs, leaving pauses nothing: the step finishes", () => {
  const during = { running: { type: "call_model" as const, since: 0 } };
  given(...start, ...working).then({ type: "continue" }, { ...away, ...during });
  given(...start, ...working, e.control("pause")).then({ type: "continue" }, during);
});

test("while a step runs, a client that leaves or comes is recorded at once", () => {
  const during = { running: { type: "call_model" as const, since: 0 } };
  given(...forever, ...working).then({ type: "resume", to: "running" }, { ...away, ...during });
  given(...running).then({ type: "resume", to: "active" }, during);
});

test("while a step runs, a cancel, an interrupt or the session's end aborts it", () => {
  const during = { running: { type: "run_tools" as const, since: 0 } };
  for (const event of [e.control("cancel"), e.control("end"), e.message(2, { delivery: "interrupt" })])
    given(...start, ...working, event).then({ type: "abort", reason: "cancel" }, during);
  for (const event of [e.message(2), e.message(2, { delivery: "queue" })])
    given(...start, ...working, event).then({ type: "continue" }, during);
});

test("a step that runs on is aborted a minute after the background limit, counted from when the client left", () => {
  const log = given(...running);
  const since = Date.parse("2026-01-01T00:00:00.000Z");
  const during = { ...away, limits, running: { type: "call_model" as const, since } };
  log.then({ type: "continue", until: since + 61_000 }, { ...during, atMs: 60_999 });
  log.then({ type: "abort", reason: "background_limit" }, { ...during, atMs: 61_000 });
  const later = given(...forever, ...working, e.status("active", "running", "detach", { atMs: 10_000 }));
  later.then({ type: "continue", until: since + 71_000 }, { ...during, atMs: 61_000 });
});

test("a step is aborted when the turn's working time is used up", () => {
  const since = Date.parse("2026-01-01T00:00:00.000Z");
  const log = given(...start, ...working, e.response(3, { latency_ms: 400, tool_calls: calls("x") }), e.toolStart("x"));
  const during = { limits: { maxTurnMs: 1_000 }, running: { type: "run_tools" as const, since } };
  log.then({ type: "continue", until: since + 600 }, { ...during, atMs: 599 });
  log.then({ type: "abort", reason: "turn_limit" }, { ...during, atMs: 600 });
});
