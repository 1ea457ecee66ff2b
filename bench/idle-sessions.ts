import { join } from "node:path";

import { nodeFileSystem } from "../src/adapters/file-system/node.ts";
import { FileSessionStore } from "../src/adapters/stores/sessions/files/store.ts";
import { createSessions } from "../src/runtime/sessions.ts";
import { harness } from "../test/support/runtime-harness.ts";
import { createVirtualClock } from "../test/support/virtual-clock.ts";
import { atMost, type Row } from "./row.ts";
import { collectGarbage } from "./support/heap.ts";
import { benchFolder, startDuragent, startModel, writeWorkspace } from "./support/servers.ts";
import { createSession, turn } from "./support/turn-client.ts";

const sessions = 1000;
const atOnce = 32;
const virtualSessions = 200;

/** What a session that has worked and waits takes in memory, until it is closed. */
export async function run(): Promise<Row[]> {
  await using folder = await benchFolder();
  await using model = await startModel();
  await writeWorkspace(folder.path, model.url);
  await using server = await startDuragent(folder.path, ["--inspect=127.0.0.1:0"]);
  await use(server.url, 200);
  const before = await collectGarbage(server);
  await use(server.url, sessions);
  const eachKiB = ((await collectGarbage(server)) - before) / sessions;
  return [
    atMost({ what: "an idle session in memory", ours: eachKiB, unit: "KiB", note: "after one turn" }, 20),
    atMost(
      {
        what: "sessions in memory after 10 idle minutes",
        ours: await openAfterIdleMinutes(),
        unit: "",
        note: `of ${virtualSessions}`,
      },
      0,
    ),
  ];
}

/** The runtime under a virtual clock: ten minutes and the sweep after them pass at once. */
async function openAfterIdleMinutes(): Promise<number> {
  await using folder = await benchFolder();
  const clock = createVirtualClock();
  const store = await FileSessionStore.open({
    dataFolder: folder.path,
    sessionsFolder: join(folder.path, "sessions"),
    fs: nodeFileSystem,
    clock,
    durability: "flushed",
  });
  const gauges = new Map<string, () => number>();
  const { parts } = harness({ store, clock });
  const metrics = { ...parts.metrics, gauge: (name: string, read: () => number) => void gauges.set(name, read) };
  const living = createSessions({ ...parts, metrics });
  const count = (): number => gauges.get("duragent_sessions_open")?.() ?? Number.NaN;
  for (let n = 0; n < virtualSessions; n += 1) {
    const { session } = await living.create({ agent: "tester" });
    await living.get(session.sessionId);
  }
  if (count() !== virtualSessions) throw new Error(`${count()} sessions are open, not ${virtualSessions}`);
  clock.advance(12 * 60_000);
  const deadline = performance.now() + 5000;
  while (count() > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  const left = count();
  await living.stop(0);
  await store.shutdown();
  return left;
}

async function use(url: string, count: number): Promise<void> {
  for (let n = 0; n < count; n += atOnce) {
    await Promise.all(
      Array.from({ length: Math.min(atOnce, count - n) }, async () => turn(url, await createSession(url))),
    );
  }
}
