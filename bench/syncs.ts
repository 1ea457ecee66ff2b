import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { atMost, type Row } from "./row.ts";
import { benchFolder, startDuragent, startModel, writeWorkspace } from "./support/servers.ts";
import { createSession, turn } from "./support/turn-client.ts";

const turnsAlone = 50;
const sessions = 32;
const turnsEach = 10;

/** How often a plain turn syncs, counted by strace, alone and at 32 sessions. Fails loudly without strace. */
export async function run(): Promise<Row[]> {
  await using folder = await benchFolder();
  await using model = await startModel();
  await writeWorkspace(folder.path, model.url);
  await using server = await startDuragent(folder.path);
  const ids = await Promise.all(Array.from({ length: sessions }, () => createSession(server.url)));
  // The first turn of a session takes its lease, which is not what a plain turn costs.
  await Promise.all(ids.map((id) => turn(server.url, id)));
  const [first = ""] = ids;

  const alone = await countSyncs(server.pid, join(folder.path, "alone.strace"), async () => {
    for (let n = 0; n < turnsAlone; n += 1) await turn(server.url, first);
  });
  const together = await countSyncs(server.pid, join(folder.path, "together.strace"), async () => {
    await Promise.all(
      ids.map(async (id) => {
        for (let n = 0; n < turnsEach; n += 1) await turn(server.url, id);
      }),
    );
  });
  return [
    atMost({ what: "syncs of a plain turn, alone", ours: alone / turnsAlone, unit: "" }, 2),
    atMost({ what: "syncs of a plain turn, at 32 sessions", ours: together / (sessions * turnsEach), unit: "" }, 2),
  ];
}

async function countSyncs(pid: number, path: string, work: () => Promise<void>): Promise<number> {
  const strace = spawn("strace", ["-f", "-p", String(pid), "-e", "trace=fdatasync,fsync", "-o", path], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const failed = once(strace, "error").then(([error]: unknown[]) => {
    throw new Error("strace can not be run: the syncs of a turn can not be counted without it", { cause: error });
  });
  await Promise.race([attached(strace.stderr), failed]);
  await work();
  const ended = once(strace, "exit");
  strace.kill("SIGINT");
  await ended;
  const calls = (await readFile(path, "utf8")).split("\n");
  return calls.filter((line) => /\b(fdatasync|fsync)\(/.test(line)).length;
}

function attached(stderr: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve, reject) => {
    const said: string[] = [];
    const lines = createInterface({ input: stderr });
    lines.on("line", (line) => {
      said.push(line);
      if (line.includes("attached")) resolve();
    });
    lines.on("close", () => reject(new Error(`strace did not attach: ${said.join("; ")}`)));
  });
}
