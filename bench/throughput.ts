import { atLeastShare, told, type Row } from "./row.ts";
import { median } from "./support/quantile.ts";
import {
  addScriptedAgent,
  benchFolder,
  startDuragent,
  startFloor,
  startModel,
  writeWorkspace,
} from "./support/servers.ts";
import { createSession, turn } from "./support/turn-client.ts";

const sessions = 32;
const rounds = 6;
const turnsPerSession = 20;
/** Restate, the fastest durable peer: turns a second at 32 sessions on such a machine. */
const bestDurablePeer = 409;

/** Turns a second at 32 sessions, ours and the floor's in turn. */
export async function run(): Promise<Row[]> {
  await using folder = await benchFolder();
  await using floorFolder = await benchFolder();
  await using model = await startModel();
  await writeWorkspace(folder.path, model.url);
  await addScriptedAgent(folder.path);
  await using ours = await startDuragent(folder.path);
  await using floor = await startFloor(floorFolder.path, model.url);
  const rates = { ours: [] as number[], floor: [] as number[], scripted: [] as number[] };
  for (let round = -2; round < rounds; round += 1) {
    const floorRate = await rateOf(floor.url);
    const ourRate = await rateOf(ours.url);
    const scriptedRate = await rateOf(ours.url, "scripted");
    if (round < 0) continue;
    rates.floor.push(floorRate);
    rates.ours.push(ourRate);
    rates.scripted.push(scriptedRate);
  }
  const what = "turns/s at 32 sessions, synced";
  const rate = median(rates.ours);
  const why = "the provider package: see the runtime alone";
  return [
    atLeastShare({ what, ours: rate, unit: "turns/s", peer: { name: "floor", value: median(rates.floor) }, why }, 0.8),
    atLeastShare(
      { what, ours: rate, unit: "turns/s", peer: { name: "best durable peer", value: bestDurablePeer }, why },
      2,
    ),
    told({
      what: "turns/s at 32 sessions, the runtime alone",
      ours: median(rates.scripted),
      unit: "turns/s",
      peer: { name: "floor", value: median(rates.floor) },
      note: "the same tokens from the scripted model: no provider package, no second server",
    }),
  ];
}

async function rateOf(url: string, agent?: string): Promise<number> {
  const ids = await Promise.all(Array.from({ length: sessions }, () => createSession(url, agent)));
  const startedAt = performance.now();
  await Promise.all(
    ids.map(async (id) => {
      for (let n = 0; n < turnsPerSession; n += 1) await turn(url, id);
    }),
  );
  return (sessions * turnsPerSession * 1000) / (performance.now() - startedAt);
}
