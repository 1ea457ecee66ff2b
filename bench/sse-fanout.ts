import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { join } from "node:path";

import { atLeastShare, type Row } from "./row.ts";
import { startProgram } from "./support/program.ts";
import { median } from "./support/quantile.ts";
import { benchFolder, startDuragent, startModel, writeWorkspace } from "./support/servers.ts";
import { createSession, turn } from "./support/turn-client.ts";

const clients = 1000;
const turnsPerRound = 20;
const rounds = 5;

/** Frames a second to a thousand clients of one session, against a server that only writes. */
export async function run(): Promise<Row[]> {
  await using folder = await benchFolder();
  await using model = await startModel();
  await writeWorkspace(folder.path, model.url);
  await using server = await startDuragent(folder.path);
  await using raw = await startProgram(join(import.meta.dirname, "raw-sse.ts"));
  const id = await createSession(server.url);
  const ours = await follow(server.url, id);
  const theirs = await follow(`${raw.url}/raw`, "");
  const rates = { ours: [] as number[], raw: [] as number[] };
  for (let round = -1; round < rounds; round += 1) {
    const { perSecond, frames } = await rateOf(ours, async () => {
      for (let n = 0; n < turnsPerRound; n += 1) await turn(server.url, id);
    });
    const peer = await rateOf(theirs, () => post(`${raw.url}/${Math.round(frames / clients)}`));
    if (round < 0) continue;
    rates.ours.push(perSecond);
    rates.raw.push(peer.perSecond);
  }
  ours.kill("SIGTERM");
  theirs.kill("SIGTERM");
  return [
    atLeastShare(
      {
        what: "SSE fan-out, 1,000 clients of one session",
        ours: median(rates.ours),
        unit: "frames/s",
        peer: { name: "raw node:http", value: median(rates.raw) },
      },
      0.7,
    ),
  ];
}

async function follow(url: string, id: string): Promise<ChildProcess> {
  const child = fork(new URL("stream-clients.ts", import.meta.url).pathname, [url, String(clients), id]);
  await once(child, "message");
  return child;
}

/** From the start of the work until every client has every frame. */
async function rateOf(child: ChildProcess, work: () => Promise<void>): Promise<{ perSecond: number; frames: number }> {
  const before = await framesOf(child);
  const startedAt = performance.now();
  await work();
  let frames = 0;
  let endedAt = startedAt;
  // Nothing more comes for a while: everybody has it all.
  for (let quiet = 0; quiet < 3;) {
    const now = (await framesOf(child)) - before;
    if (now === frames) quiet += 1;
    else {
      frames = now;
      endedAt = performance.now();
      quiet = 0;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { perSecond: (frames * 1000) / (endedAt - startedAt), frames };
}

async function framesOf(child: ChildProcess): Promise<number> {
  const answered = once(child, "message");
  child.send("count");
  const [answer]: { frames: number }[] = await answered;
  return answer?.frames ?? Number.NaN;
}

async function post(url: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    request(url, { method: "POST" }, (response) => response.resume().on("end", () => resolve()))
      .on("error", reject)
      .end();
  });
}
