import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";

import { processTable } from "../../../src/adapters/processes/background/process-table.ts";
import { until } from "../../support/until.ts";
import { command, context, outputOf, patient, sessionId } from "./ground.ts";
import { hasFile, killedServer } from "./killed-server.ts";

// Side by side: most of the time is spent waiting for processes.
void suite("after a kill -9 of the server and its group", { concurrency: 4 }, () => {
  void test("a process runs on, takes input, ends, and its session is told once", async (t) => {
    const killed = await killedServer(t, 'echo $$ > pid; echo begun; read line; echo "got $line"; exit 4', {
      ready: hasFile("pid"),
    });
    const { processes, told, again } = await killed.again();
    const found = processes.findByKey(sessionId, "the key of the call");
    assert.equal(found?.status.state, "running");
    const handle = found?.handle ?? "";
    assert.equal(
      (await processes.start({ ...(await anything()) }, context({ idempotencyKey: "the key of the call" }))).handle,
      handle,
    );
    await processes.write(handle, "hello\n");
    assert.deepEqual((await processes.ended(handle, patient())).status, { state: "failed", exit_code: 4 });
    assert.equal(await outputOf(processes, handle), "begun\ngot hello\n");
    await until("the session is told", async () => (await killed.record())["reported"] === true);
    assert.equal(told.ended.length, 1);
    const third = await again();
    assert.deepEqual(third.processes.get(sessionId, handle)?.status, { state: "failed", exit_code: 4 });
    assert.equal(third.told.ended.length, 0);
  });

  void test("one that ended while there was no server is told with its exit code", async (t) => {
    const killed = await killedServer(t, "touch begun; until [ -e go ]; do sleep 0.02; done; exit 5", {
      ready: hasFile("begun"),
    });
    await writeFile(join(killed.folder, "go"), "");
    await until("it has ended", async () =>
      (await readdir(join(killed.folder, "processes"))).some((name) => name.endsWith(".exit")),
    );
    const { told } = await killed.again();
    await until("the session is told", () => told.ended.length > 0);
    assert.equal(told.ended[0]?.exitCode, 5);
  });

  void test("one that is gone without a trace is lost, and its session is told", async (t) => {
    const killed = await killedServer(t, "sleep 60");
    process.kill(-Number((await killed.record())["pid"]), "SIGKILL");
    const { processes, told } = await killed.again();
    await until("the session is told", () => told.ended.length > 0);
    assert.deepEqual(processes.list(sessionId)[0]?.status, { state: "lost" });
    assert.match(told.ended[0]?.message ?? "", /Status: lost/);
    assert.equal(told.ended[0]?.exitCode, undefined);
  });

  void test("another process with the same pid is not taken for it, and not killed", async (t) => {
    const killed = await killedServer(t, "sleep 60");
    const record = await killed.record();
    process.kill(-Number(record["pid"]), "SIGKILL");
    const stranger = spawn("sleep", ["60"], { detached: true, stdio: "ignore" });
    t.after(() => stranger.kill("SIGKILL"));
    const path = join(killed.folder, "processes", `${String(record["handle"])}.meta.json`);
    await writeFile(path, JSON.stringify({ ...record, pid: stranger.pid, ending: "killed" }));
    const { processes } = await killed.again();
    await processes.ended(String(record["handle"]), patient());
    assert.notEqual(await processTable().startOf(stranger.pid ?? 0), undefined);
    await processes.close();
    await writeFile(path, JSON.stringify({ ...record, pid: stranger.pid }));
    const { processes: third } = await killed.again();
    assert.deepEqual(third.list(sessionId)[0]?.status, { state: "lost" });
  });

  void test("one whose server died before it could note the pid is found by its mark", async (t) => {
    const killed = await killedServer(t, "echo begun; sleep 60", { diesAt: 2 });
    assert.equal((await killed.record())["pid"], undefined);
    const { processes } = await killed.again();
    const [found] = processes.list(sessionId);
    assert.deepEqual(found?.status, { state: "running" });
    await processes.kill(found?.handle ?? "");
    assert.deepEqual(processes.list(sessionId)[0]?.status, { state: "killed" });
  });

  for (const diesAt of [1, 2, 3])
    void test(`a start that died before its record was written for the ${diesAt}. time runs the command once`, async (t) => {
      const killed = await killedServer(t, "echo x >> once; echo begun; sleep 60", { diesAt });
      const { processes, workspace } = await killed.again();
      const call = context({ idempotencyKey: "the key of the call" });
      const line = "echo x >> once; echo begun; sleep 60";
      const { handle } = await processes.start(command(line, workspace), call);
      await until("it has begun", async () => (await outputOf(processes, handle)).includes("begun"));
      assert.equal(await readFile(join(workspace, "once"), "utf8"), "x\n");
      assert.deepEqual(call.started, [handle]);
      assert.deepEqual(
        processes.list(sessionId).map((one) => one.status.state),
        ["running"],
      );
    });

  void test("a command whose keeper was killed is lost, and does not run on", async (t) => {
    const killed = await killedServer(t, "echo $$ > pid; sleep 60", { ready: hasFile("pid") });
    process.kill(Number((await killed.record())["pid"]), "SIGKILL");
    const { processes, told } = await killed.again();
    await until("the session is told", () => told.ended.length > 0);
    assert.deepEqual(processes.list(sessionId)[0]?.status, { state: "lost" });
    const pid = Number(await readFile(join(killed.folder, "pid"), "utf8"));
    // Killed by then; the kernel may take a moment to be done with it.
    await until("it does not run on", async () => (await processTable().startOf(pid)) === undefined);
  });

  void test("its time counts from its start", async (t) => {
    const killed = await killedServer(t, "sleep 60", { timeoutMs: 3_600_000 });
    const record = await killed.record();
    const path = join(killed.folder, "processes", `${String(record["handle"])}.meta.json`);
    await writeFile(path, JSON.stringify({ ...record, started_at: new Date(Date.now() - 3_600_000).toISOString() }));
    const { processes } = await killed.again();
    assert.deepEqual((await processes.ended(String(record["handle"]), patient())).status, { state: "timed_out" });
  });

  void test("a close kills nothing, and a record that can not be read is left and named", async (t) => {
    const killed = await killedServer(t, "sleep 60");
    const old = join(killed.folder, "processes", "01arz3ndektsv4rrffq69g5fav.meta.json");
    await writeFile(old, '{"handle":"01arz3ndektsv4rrffq69g5fav","spawned_at":"2026-01-01T00:00:00Z"}');
    const second = await killed.again();
    const third = await second.again();
    assert.deepEqual(
      third.processes.list(sessionId).map((one) => one.status.state),
      ["running"],
    );
    assert.ok(third.log.some(({ level, message }) => level === "warn" && message.includes(old)));
  });
});

async function anything() {
  return { command: "echo again", cwd: "/", writable: [], readable: [], timeoutMs: 1_000, announceEnd: true };
}
