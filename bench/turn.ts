import { atMost, atMostTimes, told, type Row } from "./row.ts";
import { median, quantile } from "./support/quantile.ts";
import {
  addActingAgent,
  addScriptedAgent,
  benchFolder,
  startDuragent,
  startFloor,
  startModel,
  writeWorkspace,
} from "./support/servers.ts";
import { createSession, direct, turn, type TurnTimes } from "./support/turn-client.ts";

const rounds = 12;
const turnsPerRound = 40;
const turnsPerSession = 20;

/** What a durable turn costs beyond the model, and when its first token comes; direct, floor and ours in turn. */
export async function run(): Promise<Row[]> {
  await using folder = await benchFolder();
  await using floorFolder = await benchFolder();
  await using model = await startModel();
  await writeWorkspace(folder.path, model.url);
  await addScriptedAgent(folder.path);
  await addActingAgent(folder.path);
  await using ours = await startDuragent(folder.path);
  await using floor = await startFloor(floorFolder.path, model.url);

  const times = {
    direct: [] as TurnTimes[],
    floor: [] as TurnTimes[],
    ours: [] as TurnTimes[],
    scripted: [] as TurnTimes[],
    acting: [] as TurnTimes[],
  };
  for (let round = -3; round < rounds; round += 1) {
    const those = {
      direct: await repeat(() => direct(model.url)),
      floor: await turnsOf(floor.url),
      ours: await turnsOf(ours.url),
      scripted: await turnsOf(ours.url, "scripted"),
      acting: await turnsOf(ours.url, "acting"),
    };
    // The first rounds warm all of them up.
    if (round < 0) continue;
    times.direct.push(...those.direct);
    times.floor.push(...those.floor);
    times.ours.push(...those.ours);
    times.scripted.push(...those.scripted);
    times.acting.push(...those.acting);
  }
  const base = median(times.direct.map((one) => one.totalMs));
  const overhead = (of: TurnTimes[], share: number): number =>
    quantile(
      of.map((one) => one.totalMs),
      share,
    ) - base;
  const first = (of: TurnTimes[]): number => median(of.map((one) => one.firstTokenMs));
  const scripted = median(times.scripted.map((one) => one.totalMs));
  const p50 = overhead(times.ours, 0.5);
  const p99 = overhead(times.ours, 0.99);
  const why = "the provider package: see the runtime alone";
  return [
    atMostTimes(
      {
        what: "overhead of a turn, synced, p50",
        why,
        ours: p50,
        unit: "ms",
        peer: { name: "floor", value: overhead(times.floor, 0.5) },
        note: `direct ${base.toFixed(2)} ms`,
      },
      1.25,
    ),
    atMost(
      {
        what: "overhead of a turn, synced, p50, against pi",
        why,
        ours: p50,
        unit: "ms",
        note: "the fastest peer took 3.5 ms on this kind of machine",
      },
      3.5,
    ),
    atMostTimes(
      {
        what: "overhead of a turn, synced, p99",
        why,
        ours: p99,
        unit: "ms",
        peer: { name: "its p50", value: p50 },
        note: `floor's p99 ${overhead(times.floor, 0.99).toFixed(2)} ms`,
      },
      3,
    ),
    atMostTimes(
      {
        what: "first token, p50",
        why,
        ours: first(times.ours),
        unit: "ms",
        peer: { name: "floor", value: first(times.floor) },
      },
      1.25,
    ),
    told({
      what: "a turn of the runtime alone, p50",
      ours: scripted,
      unit: "ms",
      peer: { name: "floor's overhead", value: overhead(times.floor, 0.5) },
      note: "the same tokens from the scripted model: no provider package, no second server",
    }),
    told({
      what: "the same with a call of a file tool, p50",
      ours: median(times.acting.map((one) => one.totalMs)),
      unit: "ms",
      peer: { name: "without", value: scripted },
      note: "its start and its result are durable, and the model is asked twice",
    }),
  ];
}

async function turnsOf(url: string, agent?: string): Promise<TurnTimes[]> {
  const all: TurnTimes[] = [];
  for (let n = 0; n < turnsPerRound; n += turnsPerSession) {
    const id = await createSession(url, agent);
    for (let m = 0; m < turnsPerSession; m += 1) all.push(await turn(url, id));
  }
  return all;
}

async function repeat(once: () => Promise<TurnTimes>): Promise<TurnTimes[]> {
  const all: TurnTimes[] = [];
  for (let n = 0; n < turnsPerRound; n += 1) all.push(await once());
  return all;
}
