import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { createSystemClock } from "../src/adapters/clock/system.ts";
import { nodeFileSystem } from "../src/adapters/file-system/node.ts";
import { FileSessionStore } from "../src/adapters/stores/sessions/files/store.ts";
import { sessionIdSchema } from "../src/schema/ids.ts";
import { atMost, type Row } from "./row.ts";
import { appendTurns } from "./support/long-log.ts";
import { median } from "./support/quantile.ts";
import { benchFolder } from "./support/servers.ts";

const turns = 25_000;
const openings = 9;
const goalMs = 20;

const clock = createSystemClock();

/** Opening a long session by its snapshot, against reading and parsing its whole log. */
export async function run(): Promise<Row[]> {
  await using place = await benchFolder();
  const folder = place.path;
  const options = {
    dataFolder: folder,
    sessionsFolder: join(folder, "sessions"),
    fs: nodeFileSystem,
    clock,
    durability: "synced",
  } as const;
  const id = sessionIdSchema.parse(`session_${clock.ulid()}`);
  const store = await FileSessionStore.open(options);
  const timestamp = new Date(clock.now()).toISOString();
  const made = await store.create(id, [
    { timestamp, type: "session_start", format: 1, session_id: id, agent: "bench", on_disconnect: "pause" },
  ]);
  if (made.kind === "created") await made.durable;
  await store.close(id);
  const log = join(folder, "sessions", id, "events.jsonl");
  const events = await appendTurns(log, id, { afterSeq: 1, turns });
  await store.open(id);
  await store.saveSnapshot(null, id, { version: "bench", seq: events, contextSeq: events - 200, state: {} });

  const wholeMs = await timed(
    async () =>
      void (await readFile(log, "utf8"))
        .trimEnd()
        .split("\n")
        .map((line): unknown => JSON.parse(line)),
  );
  const opened: number[] = [];
  for (let n = 0; n < openings; n += 1) {
    await store.close(id);
    opened.push(await timed(async () => void (await store.open(id))));
  }
  const oursMs = median(opened);
  await store.shutdown();
  const what = `opening a session of ${(turns * 4).toLocaleString("en")} events`;
  return [
    atMost({ what, ours: oursMs, unit: "ms", note: `${wholeMs.toFixed(0)} ms to read and parse all of it` }, goalMs),
  ];
}

async function timed(act: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await act();
  return performance.now() - startMs;
}
