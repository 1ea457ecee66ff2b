import { join } from "node:path";

import { createSystemClock } from "../src/adapters/clock/system.ts";
import { nodeFileSystem } from "../src/adapters/file-system/node.ts";
import { FileSessionStore } from "../src/adapters/stores/sessions/files/store.ts";
import { sessionIdSchema, type SessionId } from "../src/schema/ids.ts";
import { atMost, type Row } from "./row.ts";
import { median } from "./support/quantile.ts";
import { benchFolder } from "./support/servers.ts";

const sessions = 10_000;
const pageSize = 100;
const startGoalMs = 1500;
const pageGoalMs = 20;

const clock = createSystemClock();

/** A store with many sessions: how long it takes to open it, and to list a page. */
export async function run(): Promise<Row[]> {
  await using place = await benchFolder();
  const folder = place.path;
  // Flushed: making them is not what is measured.
  const options = {
    dataFolder: folder,
    sessionsFolder: join(folder, "sessions"),
    fs: nodeFileSystem,
    clock,
    durability: "flushed",
  } as const;
  const store = await FileSessionStore.open(options);
  for (let n = 0; n < sessions; n += 1) await make(store, sessionIdSchema.parse(`session_${clock.ulid()}`));
  await store.shutdown();
  const startMs = performance.now();
  const again = await FileSessionStore.open({ ...options, durability: "synced" });
  const startedMs = performance.now() - startMs;
  const pages: number[] = [];
  let after: SessionId | undefined;
  for (let n = 0; n < 30; n += 1) {
    const pageStartMs = performance.now();
    const page = await again.list({ limit: pageSize, ...(after && { after }) });
    pages.push(performance.now() - pageStartMs);
    after = page.at(-1)?.sessionId;
  }
  await again.shutdown();
  const pageMs = median(pages);
  const what = `${sessions.toLocaleString("en")} stored sessions`;
  return [
    atMost({ what: `${what}: opening the store`, ours: startedMs, unit: "ms" }, startGoalMs),
    atMost({ what: `${what}: a page of ${pageSize}`, ours: pageMs, unit: "ms" }, pageGoalMs),
  ];
}

async function make(store: FileSessionStore, id: SessionId): Promise<void> {
  const timestamp = new Date(clock.now()).toISOString();
  const made = await store.create(id, [
    { timestamp, type: "session_start", format: 1, session_id: id, agent: "bench", on_disconnect: "pause" },
  ]);
  if (made.kind === "created") await made.durable;
  const state = {
    status: "active",
    title: "A session",
    agent: "bench",
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  };
  await store.saveSnapshot(null, id, { version: "bench", seq: 1, contextSeq: 1, state });
}
