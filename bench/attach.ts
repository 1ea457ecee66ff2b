import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { atMost, type Row } from "./row.ts";
import { appendTurns } from "./support/long-log.ts";
import { median } from "./support/quantile.ts";
import { streamUntil } from "./support/requests.ts";
import { benchFolder, startDuragent, startModel, writeWorkspace } from "./support/servers.ts";
import { createSession, turn } from "./support/turn-client.ts";

const turns = 25_000;
const sessions = 7;
const goalMs = 50;

/** Attaching to long sessions that are not in memory, one after another, with `after=now`, until `ready`. */
export async function run(): Promise<Row[]> {
  await using folder = await benchFolder();
  await using model = await startModel();
  await writeWorkspace(folder.path, model.url);
  const ids = await withServer(folder.path, (url) =>
    Promise.all(Array.from({ length: sessions }, () => createSession(url))),
  );
  for (const id of ids) {
    const log = join(folder.path, ".duragent/sessions", id, "events.jsonl");
    const afterSeq = (await readFile(log, "utf8")).trimEnd().split("\n").length;
    await appendTurns(log, id, { afterSeq, turns });
  }
  // One turn more, which reads all of the log, so that each has a snapshot when the server has stopped.
  const rereadMs = await withServer(folder.path, async (url) => {
    const times: number[] = [];
    for (const id of ids) times.push((await turn(url, id)).totalMs);
    return median(times);
  });
  const attachedMs = await withServer(folder.path, async (url) => {
    const times: number[] = [];
    for (const id of ids) times.push(await attach(url, id));
    return median(times);
  });
  const what = `attaching to a session of ${(turns * 4).toLocaleString("en")} events`;
  const note = `after=now; a turn that finds no snapshot ${rereadMs.toFixed(0)} ms`;
  return [atMost({ what, ours: attachedMs, unit: "ms", note }, goalMs)];
}

async function withServer<Result>(folder: string, act: (url: string) => Promise<Result>): Promise<Result> {
  await using server = await startDuragent(folder);
  return await act(server.url);
}

/** Milliseconds until `ready`. */
async function attach(url: string, id: string): Promise<number> {
  const startedAt = performance.now();
  const response = await streamUntil(`${url}/api/v1/sessions/${id}/events?after=now`, "event: ready");
  const ms = performance.now() - startedAt;
  response.destroy();
  return ms;
}
