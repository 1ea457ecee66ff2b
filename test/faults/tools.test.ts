import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { suite, test } from "node:test";

import { modes, processesWith } from "../adapters/processes/command-ground.ts";
import { DoerSession, eventsOf, type Acting } from "../scenarios/acting-agents.ts";
import { ask } from "../support/http-harness.ts";
import { until } from "../support/until.ts";

/** What a command may take beyond its own time until nothing of it is left. */
const goneWithinMs = 10_000;
const serverKiBMax = 200 * 1024;

let count = 0;
/** A word for a command line by which its processes are found again, on a machine where others test the same. */
const newWord = (): string => `${process.pid}${(count += 1)}`;

const allowed = (more: Acting = {}): Acting => ({ policy: { mode: "allow" }, ...more });

void suite("tools that misbehave under a real server", { concurrency: 4 }, () => {
  for (const mode of modes) {
    const config = `sandbox: { mode: ${mode} }\n`;
    void test(`a tool that ignores SIGTERM and left its pipe to a grandchild is gone in time, and the turn goes on (sandbox ${mode})`, async (t) => {
      const word = newWord();
      const stubborn = `trap '' TERM HUP; (trap '' TERM HUP; while :; do sleep 99${word}; done) & while :; do sleep 99${word}; done`;
      const rules = [
        { when: "^go$", tool: { name: "bash", arguments: { command: stubborn, timeout_seconds: 1 } } },
        { after_tool: "bash", say: "It says: {{result}}" },
      ];
      const session = await DoerSession.start(t, allowed({ config, rules }));
      const { json } = await session.post("/messages", { content: "go" });
      assert.match(json.content, /^It says: Timed out after 1 s/);
      assert.deepEqual(await processesWith(word), [], "nothing is left when its result is there");
      const [result] = eventsOf(await session.afterTurns(1), "tool_result");
      assert.equal(result?.result.outcome, "timeout");
      assert.ok(result.duration_ms <= 1000 + goneWithinMs, `${result.duration_ms} ms`);
    });

    void test(`tools that run when the server's process group is killed leave nothing and are not run again (sandbox ${mode})`, async (t) => {
      const word = newWord();
      const lines = [
        `echo x >> file; sleep 97${word}1`,
        `trap '' TERM HUP; setsid sleep 97${word}2 & (trap '' TERM HUP; sleep 97${word}3) & echo x >> file; wait`,
      ];
      const session = await DoerSession.start(t, allowed({ config }));
      const sessions = [session, await DoerSession.on(session.server)];
      await Promise.all(sessions.map((one, index) => one.leave(`run: ${lines[index]}`)));
      await until("all run", async () => (await processesWith(`sleep\u000097${word}`)).length >= 3);
      await until("they have written", async () => (await session.written("file")) === "x\nx\n");
      await session.server.kill9();
      await until("nothing is left", async () => (await processesWith(`97${word}`)).length === 0);
      await session.server.start();
      for (const one of sessions) {
        const [result] = eventsOf(await one.afterTurns(1), "tool_result");
        assert.equal(result?.result.outcome, "interrupted");
      }
      assert.equal(await session.written("file"), "x\nx\n");
    });
  }

  void test("1 GB of a tool's output keeps the server small, and the turn goes on", async (t) => {
    const session = await DoerSession.start(t, allowed());
    const { json } = await session.post("/messages", {
      content: "run: yes 0123456789abcdef | head -c 1000000000",
    });
    assert.match(json.content, /^It says: 0123456789abcdef\n/);
    const [result] = eventsOf(await session.afterTurns(1), "tool_result");
    assert.equal(result?.result.outcome, "ok");
    assert.deepEqual(result.result.details, { exit_code: 0, signal: null, output_bytes: 1_000_000_000 });
    const status = await readFile(`/proc/${session.server.life.pid}/status`, "utf8");
    const peakKiB = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]);
    t.diagnostic(`at most ${Math.round(peakKiB / 1024)} MiB`);
    assert.ok(peakKiB < serverKiBMax, `${peakKiB} KiB`);
  });

  void test("an endless same call is stopped at max_tool_iterations, also when the server is killed meanwhile", async (t) => {
    const max = 8;
    const call = { name: "bash", arguments: { command: "echo x >> file" } };
    const rules = [
      { when: ".*", tool: call },
      { after_tool: "bash", tool: call },
    ];
    const spec = { session: { on_disconnect: "continue", max_tool_iterations: max } };
    const session = await DoerSession.start(t, allowed({ spec, rules }));
    await session.leave("go");
    await until("it loops", async () => (await session.written("file")).length >= 4);
    await session.restart();
    const events = await session.afterTurns(1);
    const [end] = eventsOf(events, "turn_end");
    assert.equal(end?.outcome, "limit_reached");
    assert.match(end.notice ?? "", /max_tool_iterations/);
    assert.equal(eventsOf(events, "assistant_response").length, max);
    assert.equal(eventsOf(events, "tool_result").length, max);
    assert.ok((await session.written("file")).split("\n").length - 1 <= max);
    const { json } = await ask(session.server.place, { path: `/api/v1/sessions/${session.id}` });
    assert.equal(json.status, "active");
  });
});
