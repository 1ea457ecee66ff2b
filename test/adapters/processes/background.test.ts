import assert from "node:assert/strict";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";

import { nodeFileSystem } from "../../../src/adapters/file-system/node.ts";
import type { FileSystem } from "../../../src/ports/file-system.ts";
import { until } from "../../support/until.ts";
import { command, context, openGround, otherSession, outputOf, patient, sessionId } from "./ground.ts";

// Side by side: most of the time is spent waiting for processes.
void suite("background processes", { concurrency: 4 }, () => {
  void test("a process leaves its output, its exit code and a record that people can read, and its session is told once", async (t) => {
    const { processes, folder, workspace, told } = await openGround(t);
    const call = context();
    const started = await processes.start(command("pwd; echo oops >&2; exit 3", workspace, { label: "a build" }), call);
    assert.equal(started.status.state, "running");
    assert.deepEqual(call.started, [started.handle]);
    const ended = await processes.ended(started.handle, patient());
    assert.deepEqual(ended.status, { state: "failed", exit_code: 3 });
    assert.equal(await outputOf(processes, started.handle), `${workspace}\noops\n`);
    await until("the session is told", () => told.ended.length > 0);
    const record: unknown = JSON.parse(await readFile(join(folder, `${started.handle}.meta.json`), "utf8"));
    assert.partialDeepStrictEqual(record, { command: "pwd; echo oops >&2; exit 3", label: "a build" });
    assert.equal((await stat(folder)).mode & 0o777, 0o700);
    await until("it is noted", () => told.ended.length > 0 && noted(processes.get(sessionId, started.handle)));
    for (const name of await readdir(folder)) assert.equal((await stat(join(folder, name))).mode & 0o077, 0, name);
    const [end] = told.ended;
    assert.equal(end?.exitCode, 3);
    assert.match(
      end?.message ?? "",
      /Label: a build\n.*\nStatus: failed\nExit code: 3\nDuration: \d+ s\nOutput:\n.*\noops/s,
    );
  });

  void test("a process gets none of the server's secrets, and knows its call", async (t) => {
    const env = { ...process.env, OPENAI_API_KEY: "sk-canary-1", DURAGENT_API_TOKEN: "canary-2" };
    const { processes, workspace } = await openGround(t, { env });
    const call = context();
    const { handle } = await processes.start(
      command("env; cat /proc/$PPID/environ /proc/$PPID/cmdline", workspace),
      call,
    );
    await processes.ended(handle, patient());
    const output = await outputOf(processes, handle);
    assert.match(output, new RegExp(`^DURAGENT_CALL_ID=${call.callId}$`, "m"));
    assert.doesNotMatch(output, /canary/);
  });

  void test("the same key again finds the process that was started, also while it is being started", async (t) => {
    const { processes, workspace } = await openGround(t);
    const call = context();
    const start = () => processes.start(command("echo x >> once; echo begun; sleep 60", workspace), call);
    const [first, second] = await Promise.all([start(), start()]);
    assert.equal(first.handle, second.handle);
    assert.equal((await start()).handle, first.handle);
    assert.equal(processes.findByKey(sessionId, call.idempotencyKey)?.handle, first.handle);
    assert.equal(call.started.length, 1);
    await until("it has begun", async () => (await outputOf(processes, first.handle)) !== "");
    assert.equal(await readFile(join(workspace, "once"), "utf8"), "x\n");
  });

  void test("a session sees its own processes only", async (t) => {
    const { processes, workspace } = await openGround(t);
    const { handle } = await processes.start(command("true", workspace), context());
    assert.equal(processes.get(otherSession, handle), undefined);
    assert.deepEqual(processes.list(otherSession), []);
    assert.deepEqual(
      processes.list(sessionId).map((one) => one.handle),
      [handle],
    );
  });

  void test("killing takes the whole group, what ignores SIGTERM, and what has left group and parents", async (t) => {
    const { processes, workspace, told } = await openGround(t);
    const line =
      "trap '' TERM; (setsid sh -c 'trap \"\" TERM; echo $$ > escaped; while :; do sleep 60; done' &) ; " +
      "echo $$ > leader; while :; do sleep 60; done";
    const { handle } = await processes.start(command(line, workspace), context());
    const pidIn = (name: string) => readFile(join(workspace, name), "utf8").then(Number, () => 0);
    await until("both have begun", async () => (await pidIn("escaped")) > 0 && (await pidIn("leader")) > 0);
    await processes.kill(handle);
    for (const name of ["leader", "escaped"]) assert.equal(await isAlive(await pidIn(name)), false, name);
    assert.deepEqual((await processes.ended(handle, patient())).status, { state: "killed" });
    await until("the session is told", () => told.ended.length > 0);
    assert.match(told.ended[0]?.message ?? "", /Status: killed/);
  });

  void test("what a command leaves running ends with it, and its output is whole", async (t) => {
    const { processes, workspace } = await openGround(t);
    const line = "sleep 60 & echo $! > left; head -c 300000 /dev/zero | tr '\\0' x; echo; echo last";
    const { handle } = await processes.start(command(line, workspace), context());
    const ended = await processes.ended(handle, patient());
    assert.deepEqual(ended.status, { state: "completed", exit_code: 0 });
    assert.equal((await outputOf(processes, handle)).length, 300_000 + "\nlast\n".length);
    assert.equal(await isAlive(Number(await readFile(join(workspace, "left"), "utf8"))), false);
  });

  void test("a process whose time is over is ended", async (t) => {
    const { processes, workspace, told } = await openGround(t);
    const { handle } = await processes.start(command("sleep 60", workspace, { timeoutMs: 200 }), context());
    assert.deepEqual((await processes.ended(handle, patient())).status, { state: "timed_out" });
    await until("the session is told", () => told.ended.length > 0);
    assert.match(told.ended[0]?.message ?? "", /Status: timed out/);
  });

  void test("stdin takes what is written, one that was given whole ends, and an ended process takes nothing", async (t) => {
    const { processes, workspace } = await openGround(t);
    const { handle } = await processes.start(command('read a; read b; echo "$b $a"', workspace), context());
    await processes.write(handle, "one\n");
    await processes.write(handle, "two\n");
    await processes.ended(handle, patient());
    assert.equal(await outputOf(processes, handle), "two one\n");
    await assert.rejects(processes.write(handle, "three\n"), /not running/);
    const whole = await processes.start(command("wc -c", workspace, { stdin: "x".repeat(200_000) }), context());
    await processes.ended(whole.handle, patient());
    assert.equal((await outputOf(processes, whole.handle)).trim(), "200000");
  });

  void test("a log that is full takes no more, says so, and does not hold the command back", async (t) => {
    const { processes, workspace } = await openGround(t, { logBytes: 3 << 20 });
    const { handle } = await processes.start(command("head -c 50000000 /dev/zero; exit 7", workspace), context());
    assert.deepEqual((await processes.ended(handle, patient())).status, { state: "failed", exit_code: 7 });
    const { totalBytes } = await processes.output(handle, { offset: 0, limitBytes: 0 });
    assert.ok(totalBytes > 1 << 20 && totalBytes < (3 << 20) + 200, `${totalBytes} bytes`);
    assert.match((await processes.tail(handle, 200)).text, /the log is full/);
  });

  void test("a session may run 32 at a time, and says so beyond", async (t) => {
    const { processes, workspace } = await openGround(t);
    const starts = Array.from({ length: 33 }, () => processes.start(command("sleep 60", workspace), context()));
    const results = await Promise.allSettled(starts);
    const refused = results.flatMap((one) => (one.status === "rejected" ? [String(one.reason)] : []));
    assert.equal(refused.length, 1);
    assert.match(refused[0] ?? "", /32 background processes of this session run/);
  });

  void test("what can not be started says why and leaves nothing behind", async (t) => {
    const { processes, folder, workspace } = await openGround(t);
    const absent = command("true", join(workspace, "absent"));
    await assert.rejects(processes.start(absent, context()), /could not be started/);
    assert.deepEqual(await readdir(folder), []);
    assert.deepEqual(processes.list(sessionId), []);
  });

  void test("the end is told again until the session has it, without secrets and without what moves a cursor", async (t) => {
    const redactText = (text: string) => text.replaceAll("hunter2-hunter2", "***");
    const { processes, workspace, told, log } = await openGround(t, { refuse: { times: 1 }, redactText });
    const line = "printf 'a hunter2-hunter2 \\033[2Jb\\n'; : hunter2-hunter2";
    await processes.start(command(line, workspace), context());
    await until("the session is told", () => told.ended.length > 0);
    assert.match(told.ended[0]?.message ?? "", /Output:\na \*\*\* ␛\[2Jb/);
    assert.doesNotMatch(told.ended[0]?.message ?? "", /hunter2/);
    assert.ok(log.some(({ level, message }) => level === "warn" && message.includes("the disk is full")));
  });

  void test("a full disk keeps nothing alive, and what happened is noted and told once there is room", async (t) => {
    let isFull = false;
    const fileSystem: FileSystem = {
      ...nodeFileSystem,
      replace: (path, bytes, options) =>
        isFull ? Promise.reject(new Error("ENOSPC: no space left")) : nodeFileSystem.replace(path, bytes, options),
    };
    const { processes, workspace, told, log } = await openGround(t, { fileSystem });
    const killed = await processes.start(command("sleep 60", workspace), context());
    const failed = await processes.start(command("until [ -e go ]; do sleep 0.02; done; exit 3", workspace), context());
    isFull = true;
    await writeFile(join(workspace, "go"), "");
    await assert.rejects(processes.kill(killed.handle), /ENOSPC/);
    assert.equal(await isAlive(killed.pid ?? 0), false);
    await until("the end is seen", () => log.some(({ message }) => message.includes(failed.handle)));
    assert.deepEqual(told.ended, []);
    isFull = false;
    assert.deepEqual((await processes.ended(killed.handle, patient())).status, { state: "killed" });
    assert.deepEqual((await processes.ended(failed.handle, patient())).status, { state: "failed", exit_code: 3 });
    await until("both are told", () => told.ended.length === 2);
    assert.ok(log.filter(({ level }) => level === "error").length <= 3);
  });

  void test("one that its call waits for is recorded without a message", async (t) => {
    const { processes, workspace, told } = await openGround(t);
    await processes.start(command("true", workspace, { announceEnd: false }), context());
    await until("the session is told", () => told.ended.length > 0);
    assert.equal(told.ended[0]?.message, undefined);
  });

  void test("a watched process that falls silent after output says so once, and again after more", async (t) => {
    const { processes, workspace, told } = await openGround(t);
    const { handle } = await processes.start(command('while read l; do echo "got $l"; done', workspace), context());
    await processes.watch(handle, 1);
    await processes.write(handle, "one\n");
    await until("silence is told", () => told.said.length > 0);
    assert.match(told.said[0]?.content ?? "", /screen halted\]\n.*written nothing for 1 s\.\nOutput:\ngot one/s);
    await processes.write(handle, "two\n");
    await until("silence is told again", () => told.said.length > 1);
    assert.equal(new Set(told.said.map((one) => one.idempotencyKey)).size, 2);
  });
});

const noted = (process: object | undefined): boolean =>
  process !== undefined && Reflect.get(process, "reported") === true;

async function isAlive(pid: number): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return text !== "" && text.slice(text.lastIndexOf(")") + 2)[0] !== "Z";
}
