import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";

import { backgroundProcessTool } from "../../../src/adapters/tools/background-process.ts";
import { until } from "../../support/until.ts";
import { context, openGround, otherSession, sessionId } from "../processes/ground.ts";
import { callTool, partsOf } from "./process-ground.ts";

const of = (given: object) => ({ call_id: "c", tool_name: "background_process", arguments: given as never });
const json = (content: string): Record<string, unknown> => JSON.parse(content) as Record<string, unknown>;

void suite("the tool background_process", { concurrency: 4 }, () => {
  void test("a spawn is to policy the command line that it is, everything else an action by name", async (t) => {
    const tool = backgroundProcessTool(partsOf(await openGround(t)));
    assert.deepEqual(tool.describe(of({ action: "spawn", command: "rm -rf /" })), {
      type: "bash",
      text: "rm -rf /",
      builtin: "background_process:spawn",
    });
    assert.deepEqual(tool.describe(of({ action: "write", handle: "h", input: "rm -rf /\n" })), {
      type: "builtin",
      text: "background_process:write",
    });
    const effects = ["spawn", "list", "log", "write", "kill"].map((action) =>
      tool.effectOf?.(of({ action, command: "x", handle: "h", input: "x" })),
    );
    // With keys that do not belong to an action it is as careful as it can be.
    assert.deepEqual(effects, ["resumable", "resumable", "resumable", "resumable", "resumable"]);
    assert.equal(tool.effectOf?.(of({ action: "list" })), "pure");
    assert.equal(tool.effectOf?.(of({ action: "write", handle: "h", input: "x" })), "unsafe");
  });

  void test("what is wrong with the arguments of an action is named", async (t) => {
    const tool = backgroundProcessTool(partsOf(await openGround(t)));
    assert.match(tool.fault(of({ action: "status" })) ?? "", /nothing was run: handle: /);
    assert.match(tool.fault(of({ action: "spawn", command: "ls", timeout: 5 })) ?? "", /unknown key "timeout"/);
    assert.match(tool.fault(of({ action: "stop" })) ?? "", /'spawn' \| 'list'/);
  });

  void test("spawn, status, log, list and kill", async (t) => {
    const ground = await openGround(t);
    const tool = backgroundProcessTool(partsOf(ground));
    assert.match((await callTool(tool, { action: "list" })).content, /no background processes/);
    const spawned = await callTool(tool, { action: "spawn", command: "seq 1 500; pwd; sleep 60", label: "count" });
    const { handle, status } = json(spawned.content);
    assert.equal(status, "running");
    const log = (more: object) => callTool(tool, { action: "log", handle, ...more });
    await until("it has written", async () => (await log({ offset: 500 })).content.includes(ground.workspace));
    assert.equal((await log({ limit: 3 })).content, "1\n2\n3");
    assert.equal((await log({ offset: 498, limit: 2 })).content, "499\n500");
    assert.match((await log({ offset: 9999 })).content, /no more than 501 lines/);
    assert.partialDeepStrictEqual(json((await callTool(tool, { action: "status", handle })).content), {
      label: "count",
      status: { state: "running" },
      session_id: sessionId,
    });
    assert.equal((await callTool(tool, { action: "kill", handle })).content, "Killed.");
    assert.equal((await callTool(tool, { action: "kill", handle })).content, "It has ended already.");
    assert.match((await callTool(tool, { action: "list" })).content, /"seq 1 500; pwd; sleep 60" {2}killed {2}count/);
  });

  void test("a spawn that waits answers with exit code, the end of the output and the time", async (t) => {
    const ground = await openGround(t);
    const tool = backgroundProcessTool(partsOf(ground));
    const spawn = (command: string, more = {}) => callTool(tool, { action: "spawn", command, wait: true, ...more });
    let output = "";
    const shown = { onOutput: (text: string) => (output += text) };
    await callTool(tool, { action: "spawn", command: "echo early; sleep 0.3; echo late", wait: true }, shown);
    assert.equal(output, "early\nlate\n");
    const good = await spawn("echo done");
    assert.equal(good.success, true);
    assert.partialDeepStrictEqual(json(good.content), { status: "completed", exit_code: 0, output: "done\n" });
    const long = await spawn("seq 1 9000; exit 2");
    assert.deepEqual([long.success, long.outcome], [false, "error"]);
    const end = String(json(long.content)["output"]);
    assert.match(end, /^\.\.\.\n\d+\n.*\n9000\n$/s);
    assert.ok(end.length <= 8 * 1024 + 4);
    const slow = await spawn("sleep 60", { timeout_seconds: 1 });
    assert.equal(slow.outcome, "timeout");
    await until("all are told without a message", () => ground.told.ended.length === 4);
    assert.ok(ground.told.ended.every((one) => one.message === undefined));
  });

  void test("a cancelled wait kills the process; one whose server stops leaves it, and the call finds it again", async (t) => {
    const ground = await openGround(t);
    const tool = backgroundProcessTool(partsOf(ground));
    const start = async (reason: string, command: string) => {
      const abort = new AbortController();
      const call = context({ signal: abort.signal });
      const given = of({ action: "spawn", command, wait: true });
      const result = tool.run(given, call);
      await until("it runs", () => ground.processes.findByKey(sessionId, call.idempotencyKey)?.pid !== undefined);
      abort.abort(reason);
      const { outcome } = await result;
      const resumed = () => tool.resume?.(given, { ...call, signal: new AbortController().signal });
      return { outcome, resumed, state: ground.processes.findByKey(sessionId, call.idempotencyKey)?.status.state };
    };
    const cancelled = await start("cancel", "sleep 60");
    assert.deepEqual([cancelled.outcome, cancelled.state], ["cancelled", "killed"]);
    const drained = await start("drain", "until [ -e go ]; do sleep 0.02; done; echo went");
    assert.equal(drained.state, "running");
    const resumed = drained.resumed();
    await callTool(tool, { action: "spawn", command: "touch go", wait: true });
    assert.match((await resumed)?.content ?? "", /went/);
    assert.equal(await tool.resume?.(of({ action: "spawn", command: "touch never" }), context()), null);
    assert.equal((await readdir(ground.workspace)).includes("never"), false);
  });

  void test("write takes \\n for the end of a line, and what is no process or not one's own is not found", async (t) => {
    const ground = await openGround(t);
    const tool = backgroundProcessTool(partsOf(ground));
    const { handle } = json((await callTool(tool, { action: "spawn", command: "read a; echo $a > said" })).content);
    const stranger = await callTool(tool, { action: "write", handle, input: "x\n" }, { sessionId: otherSession });
    assert.match(stranger.content, /There is no process/);
    assert.equal((await callTool(tool, { action: "write", handle, input: "hello\\n" })).content, "Written.");
    await ground.processes.ended(String(handle), AbortSignal.timeout(10_000));
    assert.equal(await readFile(join(ground.workspace, "said"), "utf8"), "hello\n");
    for (const action of ["capture", "write", "send_keys", "watch"])
      assert.match(
        (
          await callTool(tool, {
            action,
            handle,
            ...(action === "write" ? { input: "x" } : {}),
            ...(action === "send_keys" ? { keys: "a" } : {}),
          })
        ).content,
        /not running/,
      );
  });

  void test("it starts in the workspace or a folder of it, and nowhere else", async (t) => {
    const tool = backgroundProcessTool(partsOf(await openGround(t)));
    const outside = await callTool(tool, { action: "spawn", command: "true", workdir: "../.." });
    assert.equal(outside.outcome, "error");
    const absent = await callTool(tool, { action: "spawn", command: "true", workdir: "absent" });
    assert.match(absent.content, /There is no folder absent/);
  });
});
