import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";

import { createSystemClock } from "../src/adapters/clock/system.ts";
import { nodeFileSystem } from "../src/adapters/file-system/node.ts";
import { FileSessionStore } from "../src/adapters/stores/sessions/files/store.ts";
import { messageIdSchema, sessionIdSchema } from "../src/schema/ids.ts";
import type { EventDraft } from "../src/schema/session-event.ts";
import { atLeastShare, type Row } from "./row.ts";
import { median } from "./support/quantile.ts";
import { benchFolder } from "./support/servers.ts";

const roundMs = 700;
const rounds = 5;
const concurrencies = [1, 8, 32, 128];
const goalShare = 0.8;

const clock = createSystemClock();

/** A durable append of one event against writing as many bytes and syncing them, each session its own file. */
export async function run(): Promise<Row[]> {
  await using folder = await benchFolder();
  const rows: Row[] = [];
  for (const sessions of concurrencies) rows.push(await measure(folder.path, sessions));
  return rows;
}

async function measure(folder: string, sessions: number): Promise<Row> {
  const ours: number[] = [];
  const raw: number[] = [];
  // In turn, so that both meet the same moments of a shared machine.
  for (let round = 0; round < rounds; round += 1) {
    const place = join(folder, `${sessions}-${round}`);
    await mkdir(place);
    raw.push(await rawLoop(place, sessions));
    ours.push(await storeLoop(place, sessions));
  }
  const peer = { name: "write + fdatasync", value: median(raw) };
  const what = `durable append, ${sessions} session${sessions === 1 ? "" : "s"}`;
  const why = "one thread does it all, with a size check before each write and a read-back after it";
  return atLeastShare({ what, ours: median(ours), unit: "appends/s", peer, why }, goalShare);
}

function draft(): EventDraft {
  return {
    timestamp: new Date(clock.now()).toISOString(),
    type: "user_message",
    message_id: messageIdSchema.parse(`msg_${clock.ulid()}`),
    content: "A message of a usual length, as people type them.",
    source: "http",
    delivery: "steer",
  };
}

async function rawLoop(place: string, sessions: number): Promise<number> {
  const line = Buffer.from(`${JSON.stringify({ seq: 1, ...draft(), b: 1, crc: "00000000" })}\n`);
  const files = await Promise.all(Array.from({ length: sessions }, (_, n) => open(join(place, `raw-${n}`), "wx+")));
  const perSecond = await count(files, async (file, n) => {
    await file.write(line, 0, line.length, n * line.length);
    await file.datasync();
  });
  await Promise.all(files.map((file) => file.close()));
  return perSecond;
}

async function storeLoop(place: string, sessions: number): Promise<number> {
  const store = await FileSessionStore.open({
    dataFolder: join(place, "data"),
    sessionsFolder: join(place, "data", "sessions"),
    fs: nodeFileSystem,
    clock,
    durability: "synced",
  });
  const ids = Array.from({ length: sessions }, () => sessionIdSchema.parse(`session_${clock.ulid()}`));
  for (const id of ids) {
    const timestamp = new Date(clock.now()).toISOString();
    const made = await store.create(id, [
      { timestamp, type: "session_start", format: 1, session_id: id, agent: "bench", on_disconnect: "pause" },
    ]);
    if (made.kind === "created") await made.durable;
  }
  const one = draft();
  const perSecond = await count(ids, async (id, n) => {
    const appended = await store.append(id, `append-${n}`, [one], {});
    if (appended.kind !== "appended") throw new Error(`not appended: ${appended.kind}`);
    await appended.durable;
  });
  await store.shutdown();
  return perSecond;
}

/** Every member does one thing after another until the round is over. */
async function count<Member>(members: Member[], act: (member: Member, n: number) => Promise<void>): Promise<number> {
  let done = 0;
  const startMs = performance.now();
  await Promise.all(
    members.map(async (member) => {
      for (let n = 0; performance.now() - startMs < roundMs; n += 1) {
        await act(member, n);
        done += 1;
      }
    }),
  );
  return (done / (performance.now() - startMs)) * 1000;
}
