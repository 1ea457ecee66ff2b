import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";

import { processTable } from "../../../src/adapters/processes/background/process-table.ts";
import { openSandbox } from "../../../src/adapters/sandboxes/registry.ts";
import { disposableFolder } from "../../support/temporary-folder.ts";
import { until } from "../../support/until.ts";
import { command, context, openGround, outputOf, patient } from "./ground.ts";

const options = { mode: "auto" as const, network: false, env: process.env };
const probe = await openSandbox({ ...options, hidden: { folders: [], files: [], holders: [] } });
const missing = probe.kind === "bubblewrap" ? undefined : probe.warnings.join("; ");
if (missing !== undefined) console.warn(`background processes in a sandbox were NOT tested: ${missing}`);

async function openSandboxed(t: TestContext) {
  const { path: folder } = await disposableFolder();
  const workspace = join(folder, "workspace");
  await mkdir(workspace);
  await writeFile(join(folder, "secret"), "canary");
  const sandbox = await openSandbox({ ...options, hidden: { folders: [folder], files: [], holders: [] } });
  return { ...(await openGround(t, { folder, sandbox })), folder, workspace };
}

const processesOf = async (handle: string) => (await processTable().list()).filter((one) => one.handle === handle);

// Side by side: most of the time is spent waiting for processes.
void suite("background processes in a sandbox", { concurrency: 4, skip: missing }, () => {
  void test("a process takes input, writes its workspace, and reads neither the server's files nor other processes", async (t) => {
    const { processes, folder, workspace } = await openSandboxed(t);
    const line = `read a; echo "$a" > said; cat ${folder}/secret; ls ${folder}/processes; ls /proc | grep -c '^[0-9]'; exit 3`;
    const { handle } = await processes.start(command(line, workspace), context());
    await processes.write(handle, "hello\n");
    assert.deepEqual((await processes.ended(handle, patient())).status, { state: "failed", exit_code: 3 });
    assert.equal(await readFile(join(workspace, "said"), "utf8"), "hello\n");
    const output = await outputOf(processes, handle);
    assert.doesNotMatch(output, /canary|meta\.json/);
    assert.ok(Number(/^\d+$/m.exec(output)?.[0]) < 8);
    assert.match(output, /No such file/);
  });

  void test("killing takes all that is inside, also what ignores SIGTERM there", async (t) => {
    const { processes, workspace } = await openSandboxed(t);
    const mark = `beat-${process.pid}`;
    const line = `trap '' TERM; (trap '' TERM; setsid sh -c 'while :; do date +%N > ${mark}; sleep 0.05; done' &); sleep 60`;
    const { handle } = await processes.start(command(line, workspace), context());
    const beat = () => readFile(join(workspace, mark), "utf8").catch(() => "");
    await until("it beats", async () => (await beat()) !== "");
    await processes.kill(handle);
    assert.deepEqual(await processesOf(handle), []);
  });

  void test("what is left inside ends with its command", async (t) => {
    const { processes, workspace } = await openSandboxed(t);
    const line = "setsid sh -c 'while :; do date +%N > beat; sleep 0.05; done' & sleep 0.1";
    const { handle } = await processes.start(command(line, workspace), context());
    await processes.ended(handle, patient());
    assert.deepEqual(await processesOf(handle), []);
  });

  void test("on a screen C-c reaches the program in the foreground, and the shell goes on", async (t) => {
    const { processes, workspace } = await openSandboxed(t);
    const start = command("bash --norc --noprofile -i", workspace, { interactive: true });
    const { handle } = await processes.start(start, context());
    const shows = (pattern: RegExp) =>
      until(`the screen shows ${String(pattern)}`, async () => pattern.test(await processes.capture(handle)));
    await shows(/\$$/);
    assert.doesNotMatch(await processes.capture(handle), /no job control/);
    await processes.write(handle, "sleep 60; echo interrupted $?\n");
    await shows(/sleep 60/);
    await processes.sendKeys(handle, ["C-c"]);
    await shows(/\$\s+\S*\$$|\^C/);
    await processes.write(handle, "echo $((6*7)); exit 5\n");
    assert.deepEqual((await processes.ended(handle, patient())).status, { state: "failed", exit_code: 5 });
    assert.match(await outputOf(processes, handle), /42/);
  });

  void test("on a screen C-c is for the program itself, also where no shell stands between", async (t) => {
    const { processes, workspace } = await openSandboxed(t);
    const line = `trap 'echo caught; exit 8' INT; echo ready; while :; do sleep 0.1; done`;
    const { handle } = await processes.start(command(line, workspace, { interactive: true }), context());
    await until("it is ready", async () => (await processes.capture(handle)).includes("ready"));
    await processes.sendKeys(handle, ["C-c"]);
    assert.deepEqual((await processes.ended(handle, patient())).status, { state: "failed", exit_code: 8 });
    assert.match(await outputOf(processes, handle), /caught/);
  });
});
