import { fork } from "node:child_process";
import { once } from "node:events";

import { atMost, type Row } from "./row.ts";
import { collectGarbage } from "./support/heap.ts";
import { residentMiB } from "./support/program.ts";
import { benchFolder, startDuragent, startModel, writeWorkspace } from "./support/servers.ts";
import { createSession, turn } from "./support/turn-client.ts";

const clients = 10_000;
const perProcess = 5_000;
const perSession = 100;
const settleMs = 2000;

/** What an attached client that only waits costs the server in memory. */
export async function run(): Promise<Row[]> {
  await using folder = await benchFolder();
  await using model = await startModel();
  await writeWorkspace(folder.path, model.url);
  await using server = await startDuragent(folder.path, ["--inspect=127.0.0.1:0"]);
  const ids = await Promise.all(Array.from({ length: clients / perSession }, () => createSession(server.url)));
  for (const id of ids) await turn(server.url, id);
  // A few come and go first: what the first connection allocates is not what each one costs.
  await attach(server.url, ids, 500).then((stop) => stop());
  await settle();
  await collectGarbage(server);
  const before = residentMiB(server.pid);
  const stops: (() => Promise<void>)[] = [];
  for (let n = 0; n < clients; n += perProcess) stops.push(await attach(server.url, ids, perProcess));
  await settle();
  await collectGarbage(server);
  const eachKiB = ((residentMiB(server.pid) - before) * 1024) / clients;
  await Promise.all(stops.map((stop) => stop()));
  return [
    atMost(
      {
        what: "10,000 attached idle clients, each",
        ours: eachKiB,
        unit: "KiB",
        note: "resident memory, garbage collected",
      },
      25,
    ),
  ];
}

async function attach(url: string, ids: readonly string[], count: number): Promise<() => Promise<void>> {
  const child = fork(new URL("stream-clients.ts", import.meta.url).pathname, [url, String(count), ids.join(",")]);
  await once(child, "message");
  return async () => {
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  };
}

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, settleMs));
