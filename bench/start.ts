import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

import { atMost, type Row } from "./row.ts";
import { residentMiB } from "./support/program.ts";
import { median } from "./support/quantile.ts";
import { benchFolder, startDuragent, writeWorkspace } from "./support/servers.ts";
import { isReady } from "./support/requests.ts";

const times = 9;
const settleMs = 3000;
const executable = join(import.meta.dirname, "../bin/duragent.mjs");

/** What the program costs before anybody uses it: until ready, its version, its memory when idle. */
export async function run(): Promise<Row[]> {
  await using folder = await benchFolder();
  await writeWorkspace(folder.path, "http://127.0.0.1:9");
  const ready: number[] = [];
  const version: number[] = [];
  const bare: number[] = [];
  let idleMiB = Number.NaN;
  for (let n = 0; n < times; n += 1) {
    bare.push(await timeOf(["--eval", "console.log('hello')"]));
    version.push(await timeOf([executable, "--version"]));
    const startedAt = performance.now();
    await using server = await startDuragent(folder.path);
    await isReady(server.url);
    ready.push(performance.now() - startedAt);
    if (n < times - 1) continue;
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    idleMiB = residentMiB(server.pid);
  }
  const note = `node printing hello ${median(bare).toFixed(0)} ms`;
  return [
    atMost(
      {
        what: "start of serve until ready",
        ours: median(ready),
        unit: "ms",
        note,
        why: "zod, yaml and our own modules",
      },
      250,
    ),
    atMost({ what: "duragent --version", ours: median(version), unit: "ms", note }, 80),
    atMost({ what: "idle memory of the server", ours: idleMiB, unit: "MiB", why: "41 of it are Node's own" }, 90),
  ];
}

async function timeOf(args: string[]): Promise<number> {
  const startedAt = performance.now();
  await promisify(execFile)(process.execPath, args);
  return performance.now() - startedAt;
}
