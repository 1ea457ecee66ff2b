import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";

import { disposableFolder } from "../../support/temporary-folder.ts";
import { until } from "../../support/until.ts";
import { command, context, openGround, outputOf, patient, sessionId } from "./ground.ts";
import { killedServer } from "./killed-server.ts";

const missing = (() => {
  try {
    execFileSync("tmux", ["-V"]);
    return undefined;
  } catch {
    return "tmux is not installed";
  }
})();
if (missing !== undefined) console.warn(`processes with a screen were NOT tested: ${missing}`);

const interactive = { interactive: true };

void test("without tmux an interactive process is refused in words", async (t) => {
  const { processes, workspace, folder } = await openGround(t, { env: { PATH: "/nowhere" } });
  const start = processes.start(command("true", workspace, interactive), context());
  await assert.rejects(start, /tmux is not installed/);
  assert.deepEqual(await readdir(folder), []);
});

// Side by side: most of the time is spent waiting for screens.
void suite("processes with a screen", { concurrency: 4, skip: missing }, () => {
  void test("keys and text reach it, its screen can be seen, and its exit code is known", async (t) => {
    const { processes, workspace } = await openGround(t);
    const line = "stty size; printf 'name? '; read -r name; echo \"hello $name\"; sleep 60; exit 9";
    const started = await processes.start(command(line, workspace, interactive), context());
    assert.equal(started.tmux_session, `duragent-${started.handle}`);
    const shows = (text: string) =>
      until(`the screen shows ${text}`, async () => (await processes.capture(started.handle)).includes(text));
    await shows("name?");
    assert.match(await processes.capture(started.handle), /^50 200$/m);
    await processes.write(started.handle, "semicolon; $HOME #{pid} ü;\n");
    await shows("hello semicolon; $HOME #{pid} ü;");
    await processes.sendKeys(started.handle, ["C-c"]);
    const ended = await processes.ended(started.handle, patient());
    assert.deepEqual(ended.status, { state: "failed", exit_code: 130 });
    assert.match(await outputOf(processes, started.handle), /hello semicolon/);
    await assert.rejects(processes.capture(started.handle), /not running/);
  });

  void test("its exit code and all of its output are known, in a folder of any name", async (t) => {
    const { path } = await disposableFolder();
    const folder = join(path, "it's #{odd} %H; $HOME");
    await mkdir(folder);
    const { processes } = await openGround(t, { folder });
    const { handle } = await processes.start(command("seq 1 3000; exit 6", folder, interactive), context());
    assert.deepEqual((await processes.ended(handle, patient())).status, { state: "failed", exit_code: 6 });
    const lines = (await outputOf(processes, handle)).split("\r\n");
    assert.deepEqual([lines[0], lines[2999], lines.length], ["1", "3000", 3001]);
  });

  void test("a path that is too long for a socket does not matter, and nothing is left of it", async (t) => {
    const { path } = await disposableFolder();
    const folder = join(path, "deep".repeat(30));
    await mkdir(folder);
    const { processes } = await openGround(t, { folder });
    const { handle } = await processes.start(command("echo here; sleep 60", folder, interactive), context());
    await until("it runs", async () => (await processes.capture(handle)).includes("here"));
    const record = JSON.parse(await readFile(join(folder, "processes", `${handle}.meta.json`), "utf8")) as object;
    const socket = String(Reflect.get(record, "tmux_socket"));
    assert.ok(socket.length < 100);
    await processes.kill(handle);
    assert.deepEqual(
      await readdir(join(socket, "../..")).then((names) => names.filter((name) => socket.includes(`/${name}/`))),
      [],
    );
  });

  void test("killing takes all of it", async (t) => {
    const { processes, workspace } = await openGround(t);
    const { handle } = await processes.start(command("trap '' HUP; sleep 60", workspace, interactive), context());
    await processes.kill(handle);
    assert.deepEqual(processes.get(sessionId, handle)?.status, { state: "killed" });
    assert.deepEqual((await readdir(join(workspace, "processes"))).toSorted(), [
      `${handle}.exit`,
      `${handle}.log`,
      `${handle}.meta.json`,
    ]);
  });

  void test("it is found again after a kill -9 of the server and its group", async (t) => {
    const killed = await killedServer(t, 'echo begun; read -r line; echo "got $line"; exit 4', { screen: true });
    const { processes, told } = await killed.again();
    const [found] = processes.list(sessionId);
    assert.equal(found?.status.state, "running");
    const handle = found?.handle ?? "";
    await until("it has begun", async () => (await processes.capture(handle)).includes("begun"));
    await processes.write(handle, "hello\n");
    assert.deepEqual((await processes.ended(handle, patient())).status, { state: "failed", exit_code: 4 });
    await until("the session is told", () => told.ended.length > 0);
    assert.equal(told.ended.length, 1);
    assert.match(told.ended[0]?.message ?? "", /got hello/);
  });
});
