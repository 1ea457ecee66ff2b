import assert from "node:assert/strict";
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";

import { temporaryFolder } from "../support/temporary-folder.ts";

const launcher = join(import.meta.dirname, "..", "..", "bin", "duragent.mjs");

type Tree = { main: "src/main.ts" | "dist/main.js"; code: string; node?: "in .bin" };
type Launch = { command: string; before: string[] };

const nodeToday: Launch = { command: process.execPath, before: [] };

/** This Node under an old version's name, and beside it what this machine calls node, where that is a really old one. */
function oldNodes(): [name: string, Launch][] {
  const preload = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.11.0" } })`;
  const simulated: Launch = { command: process.execPath, before: ["--import", `data:text/javascript,${preload}`] };
  const real = ["/usr/bin/node", "/usr/local/bin/node"].filter(isOldNode);
  return [
    ["a simulated old Node", simulated],
    ...real.map((path): [string, Launch] => [path, { command: path, before: [] }]),
  ];
}

function isOldNode(path: string): boolean {
  try {
    return Number(execFileSync(path, ["-p", "process.versions.node.split('.')[0]"], { encoding: "utf8" })) < 24;
  } catch {
    // No node there.
    return false;
  }
}

async function packageTree(folder: string, { main, code, node }: Tree): Promise<string> {
  const bin = join(folder, "bin", "duragent.mjs");
  await mkdir(dirname(bin));
  await copyFile(launcher, bin);
  await writeFile(join(folder, "package.json"), `{"type":"module"}`);
  await mkdir(join(folder, dirname(main)));
  await writeFile(join(folder, main), code);
  if (node === "in .bin") {
    await mkdir(join(folder, "node_modules", ".bin"), { recursive: true });
    await symlink(process.execPath, join(folder, "node_modules", ".bin", "node"));
  }
  return bin;
}

function start(bin: string, args: string[], { command, before }: Launch): ChildProcess {
  const { UV_THREADPOOL_SIZE: _, ...env } = process.env;
  return spawn(command, [...before, bin, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
}

async function finish(
  child: ChildProcess,
): Promise<{ stdout: string; stderr: string; code: number | null; signal: string | null }> {
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  return { stdout, stderr, code, signal };
}

const echo = `export async function run(argv) {
  console.log(JSON.stringify({ argv, pool: process.env.UV_THREADPOOL_SIZE, major: process.versions.node.split(".")[0] }));
  return 7;
}`;

for (const main of ["src/main.ts", "dist/main.js"] as const) {
  test(`runs ${main} with the arguments, a pool of 16 threads and its exit code`, async (t) => {
    const bin = await packageTree(await temporaryFolder(t), { main, code: echo });
    const { stdout, code } = await finish(start(bin, ["session", "list"], nodeToday));
    assert.equal(code, 7);
    assert.deepEqual(JSON.parse(stdout), {
      argv: ["session", "list"],
      pool: "16",
      major: process.versions.node.split(".")[0],
    });
  });
}

// Threads are counted in /proc, which only Linux has.
if (process.platform === "linux") {
  test("the thread pool really has 16 threads", async (t) => {
    const code = `import { readFile } from "node:fs/promises";
    import { readdirSync } from "node:fs";
    export async function run() {
      const before = readdirSync("/proc/self/task").length;
      await readFile("/proc/self/stat");
      console.log(readdirSync("/proc/self/task").length - before);
      return 0;
    }`;
    const bin = await packageTree(await temporaryFolder(t), { main: "src/main.ts", code });
    assert.equal((await finish(start(bin, [], nodeToday))).stdout, "16\n");
  });
}

test("a thread pool size that the user has set stays", async (t) => {
  const bin = await packageTree(await temporaryFolder(t), { main: "src/main.ts", code: echo });
  const child = spawn(process.execPath, [bin], { env: { ...process.env, UV_THREADPOOL_SIZE: "5" } });
  assert.equal(JSON.parse((await finish(child)).stdout).pool, "5");
});

for (const [name, oldNode] of oldNodes()) {
  test(`${name} runs the program with the newer Node in node_modules/.bin`, async (t) => {
    const bin = await packageTree(await temporaryFolder(t), { main: "src/main.ts", code: echo, node: "in .bin" });
    const { stdout, code } = await finish(start(bin, ["version"], oldNode));
    assert.equal(code, 7);
    assert.deepEqual(JSON.parse(stdout), { argv: ["version"], pool: "16", major: process.versions.node.split(".")[0] });
  });

  test(`${name} without a newer one beside it says what to install`, async (t) => {
    const bin = await packageTree(await temporaryFolder(t), { main: "src/main.ts", code: echo });
    const { stdout, stderr, code } = await finish(start(bin, [], oldNode));
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(
      stderr,
      /^error: Duragent needs Node 24\.15 or newer; this is Node 2\d\.\d+\.\d+ \(.+\)\.\nhint: install /,
    );
  });

  const waiting = `export async function run() {
    process.on("SIGTERM", () => { console.log("asked to stop"); clearInterval(timer); process.exitCode = 3; });
    const timer = setInterval(() => {}, 1_000);
    console.log(process.pid);
    return new Promise(() => {});
  }`;

  test(`${name} passes a signal on and brings the exit code back`, async (t) => {
    // The interval is all that keeps the child alive: a link to the launcher that did so would hang here.
    const code = waiting.replace("new Promise(() => {})", "3");
    const bin = await packageTree(await temporaryFolder(t), { main: "src/main.ts", code, node: "in .bin" });
    const child = start(bin, [], oldNode);
    const finished = finish(child);
    await once(child.stdout!, "data");
    child.kill("SIGTERM");
    const { stdout, code: exitCode } = await finished;
    assert.match(stdout, /asked to stop/);
    assert.equal(exitCode, 3);
  });

  test(`${name} killed with -9 takes the program with it`, async (t) => {
    const bin = await packageTree(await temporaryFolder(t), { main: "src/main.ts", code: waiting, node: "in .bin" });
    const child = start(bin, [], oldNode);
    await once(child.stdout!, "data");
    child.kill("SIGKILL");
    // The program holds the other end of these pipes: "close" comes only when it, too, is gone.
    const [, signal] = (await once(child, "close")) as [number | null, string | null];
    assert.equal(signal, "SIGKILL");
  });

  test(`${name} dies of the signal that its program died of`, async (t) => {
    const code = `export async function run() { process.kill(process.pid, "SIGKILL"); return new Promise(() => {}); }`;
    const bin = await packageTree(await temporaryFolder(t), { main: "src/main.ts", code, node: "in .bin" });
    assert.equal((await finish(start(bin, [], oldNode))).signal, "SIGKILL");
  });
}
