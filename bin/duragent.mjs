#!/usr/bin/env node
// Plain JavaScript that old versions of Node can read: its first task is to say, or mend, that Node is too old.
import { spawn } from "node:child_process";
import { accessSync, closeSync, constants, existsSync, openSync } from "node:fs";
import * as nodeModule from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const self = fileURLToPath(import.meta.url);
const packageFolder = dirname(dirname(self));

// libuv reads this at the first use of its thread pool, which on a supported Node is after this line (measured):
// the pool of 4 that it makes by itself is what would limit how many sessions sync at once.
process.env.UV_THREADPOOL_SIZE ??= "16";

const launcherPid = process.env.DURAGENT_LAUNCHER_PID;
delete process.env.DURAGENT_LAUNCHER_PID;
const launched = launcherPid === String(process.ppid);

if (isSupported(process.versions.node)) {
  if (launched) dieWithLauncher();
  await runHere();
} else {
  const newerNode = launched ? undefined : findNode();
  if (newerNode === undefined) refuse();
  else runWith(newerNode);
}

/** Type stripping without a warning, and all else that the program counts on, is there from 24.15 on. */
function isSupported(version) {
  const [major, minor] = version.split(".").map(Number);
  return major > 24 || (major === 24 && minor >= 15);
}

async function runHere() {
  // Stripping and compiling is half of a start, and the parser that strips takes 15 MiB: a cache spares both. Node's
  // default place, under the temporary directory, is one that another user of the machine could have made first.
  nodeModule.enableCompileCache(join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "duragent"));
  // A clone has the source, which runs as it is; a published package has only what was compiled from it.
  const source = join(packageFolder, "src", "main.ts");
  const main = existsSync(source) ? "../src/main.ts" : "../dist/main.js";
  const { run } = await import(new URL(main, import.meta.url).href);
  process.exitCode = await run(process.argv.slice(2));
}

/** The `node` of this package's own tree: installed by `npm ci` in a clone, or beside a package that was installed. */
function findNode() {
  const folders = [join(packageFolder, "node_modules")];
  const parent = dirname(packageFolder);
  if (parent.endsWith("node_modules")) folders.push(parent);
  return folders.map((folder) => join(folder, ".bin", "node")).find(isExecutable);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there, or not ours to run: the next candidate, else the message below.
    return false;
  }
}

function refuse() {
  console.error(
    `error: Duragent needs Node 24.15 or newer; this is Node ${process.versions.node} (${process.execPath}).`,
  );
  console.error(
    "hint: install Node 24 from https://nodejs.org/en/download; in a clone on Linux `npm ci` brings one along.",
  );
  process.exitCode = 1;
}

/** As close to exec as an old Node gets: signals go on, the exit comes back, and neither outlives the other. */
function runWith(node) {
  const child = spawn(node, [self, ...process.argv.slice(2)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: { ...process.env, DURAGENT_LAUNCHER_PID: String(process.pid) },
  });
  // A terminal signals its whole foreground group: forwarded as well, one ctrl-c would count as two.
  const byTerminal = hasTerminal() ? ["SIGINT", "SIGQUIT"] : [];
  for (const signal of ["SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGUSR2"]) {
    process.on(signal, () => {
      if (!byTerminal.includes(signal)) child.kill(signal);
    });
  }
  child.on("error", (error) => {
    console.error(`error: ${node} can not be started: ${error.message}`);
    console.error("hint: run `npm ci` again, or install Node 24 from https://nodejs.org/en/download.");
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    if (signal === null) {
      process.exit(code);
    } else {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    }
  });
}

function hasTerminal() {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    // ENXIO, ENOENT: there is none, so that a signal came to this process alone.
    return false;
  }
}

/** Whoever kills the process that was started means this one: `kill -9` reaches only the launcher. */
function dieWithLauncher() {
  process.once("disconnect", () => process.kill(process.pid, "SIGKILL"));
  process.channel?.unref();
}
