import { atMost, atMostTimes, type Row } from "./row.ts";
import { median } from "./support/quantile.ts";
import { benchFolder, startDuragent, startFloor, startModel, writeWorkspace } from "./support/servers.ts";
import { createSession, turn } from "./support/turn-client.ts";

const early = { from: 10, to: 40 };
const lateFrom = 1000;
/** What turn 10 sends already: the request does not grow with the log. */
const budget = "{ context: { max_history_tokens: 600 } }";
const sessions = 3;

/** A turn at turn 1,000 against one at turn 10: with a budget for the history, and with all of it beside the floor's. */
export async function run(): Promise<Row[]> {
  await using model = await startModel();
  const bounded = await growth(model.url, budget);
  const whole = await growth(model.url, "{}");
  await using floorFolder = await benchFolder();
  await using floor = await startFloor(floorFolder.path, model.url);
  const floors = await growthAt(floor.url);
  return [
    atMost(
      { what: "a turn at turn 1,000 ÷ at turn 10", ours: bounded, unit: "", note: "history within its token budget" },
      1.1,
    ),
    atMostTimes(
      {
        what: "the same, whole history sent",
        ours: whole,
        unit: "",
        peer: { name: "floor", value: floors },
        why: "the conversation is built anew for each call",
      },
      1,
    ),
  ];
}

async function growth(modelUrl: string, session: string): Promise<number> {
  await using folder = await benchFolder();
  await writeWorkspace(folder.path, modelUrl, session);
  await using server = await startDuragent(folder.path);
  // Awaited here: the server stops when this scope ends.
  return await growthAt(server.url);
}

/** Early turns are measured in new sessions beside the old one, so that both meet a warm server and the same moments. */
async function growthAt(url: string): Promise<number> {
  const earlyMs: number[] = [];
  const lateMs: number[] = [];
  const old = await Promise.all(Array.from({ length: sessions }, () => createSession(url)));
  await Promise.all(old.map((id) => turns(url, id, lateFrom)));
  for (const id of old) {
    const fresh = await createSession(url);
    await turns(url, fresh, early.from);
    for (let n = early.from; n < early.to; n += 1) {
      earlyMs.push((await turn(url, fresh)).totalMs);
      lateMs.push((await turn(url, id)).totalMs);
    }
  }
  return median(lateMs) / median(earlyMs);
}

async function turns(url: string, id: string, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await turn(url, id);
}
