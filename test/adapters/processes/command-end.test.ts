import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { until } from "../../support/until.ts";
import { modes, newWord, openGround, processesWith } from "./command-ground.ts";

const gone = (word: string) =>
  until("all of its processes are gone", async () => (await processesWith(word)).length === 0);

for (const mode of modes) {
  void suite(`the end of a command (sandbox ${mode})`, { concurrency: 4 }, () => {
    void test("that ignores SIGTERM and left the pipe to a grandchild comes soon after its time-out", async (t) => {
      const { sh } = await openGround(t, mode);
      const word = newWord(t);
      const line = `trap '' TERM; (trap '' TERM; while :; do sleep 99${word}; done) & echo started; while :; do sleep 99${word}; done`;
      const result = await sh(line, { timeoutMs: 5000 });
      assert.deepEqual([result.success, result.outcome], [false, "timeout"]);
      assert.match(
        result.content,
        /^Timed out after 5 s and was stopped with all that it started; it may have taken effect\.\nstarted$/,
      );
      await gone(word);
    });

    void test("takes a child with it that made a session of its own", async (t) => {
      const { sh } = await openGround(t, mode);
      const word = newWord(t);
      assert.equal((await sh(`setsid sleep 99${word} & setsid -f sleep 98${word}; echo x`)).content, "x");
      await gone(word);
      const late = await sh(`setsid -f sleep 99${word}; sleep 98${word}`, { timeoutMs: 5000 });
      assert.equal(late.outcome, "timeout");
      await gone(word);
    });

    void test("does not wait for what it left in the background, and takes it with it", async (t) => {
      const { sh } = await openGround(t, mode);
      const word = newWord(t);
      assert.equal((await sh(`(trap '' TERM HUP; sleep 99${word}) & echo done`)).content, "done");
      await gone(word);
    });

    void test("lets a program that is told to stop say its last words", async (t) => {
      const { sh } = await openGround(t, mode);
      const result = await sh("exec 2>/dev/null; trap 'echo bye; exit 4' TERM; echo up; while :; do sleep 0.1; done", {
        timeoutMs: 10_000,
      });
      assert.match(result.content, /^Timed out .*\nup\nbye$/);
      assert.deepEqual(result.details, { exit_code: 4, signal: null, output_bytes: 7 });
    });

    void test("comes at once when the call is cancelled, before or while it runs", async (t) => {
      const { sh, live } = await openGround(t, mode);
      const word = newWord(t);
      const abort = new AbortController();
      const running = sh(
        `echo up; sleep 99${word}`,
        {},
        { signal: abort.signal, onOutput: (text) => void live.push(text) },
      );
      await until("it runs", () => live.join("") === "up\n");
      abort.abort("cancel");
      const result = await running;
      assert.deepEqual([result.outcome, result.success], ["cancelled", false]);
      assert.match(result.content, /^Cancelled while it ran \(cancel\) .*\nup$/);
      await gone(word);
      assert.equal((await sh("echo never", {}, { signal: abort.signal })).content, "Cancelled before it ran.");
    });

    void test("comes when the runner is closed", async (t) => {
      const { sh, runner, live } = await openGround(t, mode);
      const word = newWord(t);
      const running = sh(`trap '' TERM; echo up; while :; do sleep 99${word}; done`);
      await until("it runs", () => live.join("") === "up\n");
      await runner.close();
      assert.equal((await running).outcome, "cancelled");
      await gone(word);
    });

    void test("leaves another call alone that has the same id", async (t) => {
      const { sh, live } = await openGround(t, mode);
      const word = newWord(t);
      const abort = new AbortController();
      const other = sh(`echo up; sleep 99${word}`, {}, { signal: abort.signal });
      await until("the other runs", () => live.join("") === "up\n");
      assert.equal((await sh("setsid sleep 0.1 & echo x")).content, "x");
      assert.ok((await processesWith(word)).length > 0);
      abort.abort("cancel");
      assert.equal((await other).outcome, "cancelled");
    });
  });
}
