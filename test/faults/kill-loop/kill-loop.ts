import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { isDeepStrictEqual } from "node:util";

import type { SessionEvent } from "../../../src/schema/session-event.ts";
import { ask } from "../../support/http-harness.ts";
import { scriptedAgent, ServerProcess } from "../../support/server-process.ts";
import { until } from "../../support/until.ts";
import { audit } from "./audit.ts";
import { auditChats, isOfChat, isSettled } from "./audit-chats.ts";
import { auditTools } from "./audit-tools.ts";
import { chatConfig, chatFiles, ChatJournal } from "./chat-client.ts";
import { Ledger, type FaultKind } from "./ledger.ts";
import { createSession, runLoadClient, sendOne } from "./load-client.ts";
import { runToolClient, workerFiles } from "./tool-client.ts";
import { Watcher } from "./watcher.ts";
import { seededRandom, World } from "./world.ts";

export type KillLoopOptions = {
  kills: number;
  clients?: number;
  /** Of sessions whose agent runs tools, one each. */
  toolClients?: number;
  /** In which people talk with an agent through a gateway; one of them is a group. */
  chats?: number;
  seed: number;
  /** How long a server lives once it is ready, where a start is quick. */
  lifeMs?: { min: number; max: number };
};

export type KillLoopReport = {
  kills: number;
  seed: number;
  acknowledgements: number;
  events: number;
  givenUp: number;
  /** What tools have done, to be seen outside of the server. */
  sideEffects: number;
  /** Messages that a chat's gateway has taken. */
  chatMessages: number;
  readyMs: { p50: number; p99: number; max: number };
  faults: { kind: FaultKind; detail: string }[];
};

/** What a start takes where nothing else runs. */
const quickStartMs = 500;
/** On a busy machine. */
const settledWithinMs = 60_000;

/**
 * A real server under load that is killed with its process group again and again. Afterwards what the clients were told
 * is compared with what the logs hold, before and after one more kill.
 */
export async function killLoop(test: Pick<TestContext, "after">, options: KillLoopOptions): Promise<KillLoopReport> {
  const { kills, clients = 8, toolClients = 3, chats = 6, seed, lifeMs = { min: 100, max: 400 } } = options;
  const ledger = new Ledger();
  const world = new World(ledger, seededRandom(seed));
  const server = await ServerProcess.prepare(test, {
    files: { ...scriptedAgent("echo", { perTokenMs: 4 }), ...workerFiles, ...chatFiles },
    config: chatConfig({ chats, seed }),
  });
  const journal = new ChatJournal(server.folder);
  const readyMs: number[] = [];
  const start = async (): Promise<void> => {
    const life = await server.start();
    readyMs.push(life.readyMs);
    world.came(life.port);
  };

  await start();
  const sessions = await Promise.all(Array.from({ length: 5 }, () => createSession(world)));
  const watchers = sessions.map((sessionId) => new Watcher(world, sessionId));
  const work = [
    ...Array.from({ length: clients }, () => runLoadClient(world, sessions)),
    ...Array.from({ length: toolClients }, () => runToolClient(world)),
    ...watchers.map((watcher) => watcher.run()),
  ];
  const failed = Promise.all(work);
  let before = { runs: 0, sent: 0 };
  const kill = async (): Promise<void> => {
    world.goes();
    await server.kill9();
    before = { runs: await journal.runs(), sent: await journal.sent() };
    await start();
  };
  const killing = async (): Promise<void> => {
    for (let done = 0; done < kills; done += 1) {
      // On a machine that is busy it takes longer to get anywhere.
      const slowness = Math.max(1, (readyMs.at(-1) ?? 0) / quickStartMs);
      const lives = (lifeMs.min + world.random() * (lifeMs.max - lifeMs.min)) * slowness;
      // A gateway starts for longer than many servers live: some live until it has, some until people in chats were answered.
      if (done % 6 === 1) await journal.joined(before.runs);
      if (done % 6 === 4) await journal.talks(before.sent + 2);
      await new Promise((resolve) => setTimeout(resolve, lives));
      await kill();
    }
  };
  await Promise.race([killing(), failed.then(() => new Promise<never>(() => undefined))]);

  world.isOver = true;
  await journal.end();
  await Promise.all(work.slice(0, clients + toolClients));
  // Answered last: whatever a session had to do before this is done.
  await Promise.all([...ledger.created.values()].map((sessionId) => sendOne(world, sessionId, "wait")));
  await journal.calm(0);
  const logs = await chatsOver(() => readLogs(world, server));
  await Promise.all(watchers.map((watcher, index) => watcher.finish(logs.get(sessions[index] ?? "")?.length ?? 0)));
  await failed;
  audit(ledger, logs);

  const calms = await journal.calm(0);
  await kill();
  // The platform says all of it once more.
  await journal.calm(calms);
  const after = await readLogs(world, server);
  for (const [sessionId, log] of after) {
    const before = logs.get(sessionId) ?? [];
    // What a start adds, such as a change of status, comes after it.
    if (!isDeepStrictEqual(log.slice(0, before.length), before)) {
      ledger.fault("lost", `${sessionId} is another after one more kill`);
    }
  }
  const chatMessages = auditChats(ledger, after, await journal.notes());
  const sideEffects = await auditTools(ledger, logs, join(server.dataDir, "workspace/worker"));
  readyMs.sort((one, other) => one - other);
  const quantile = (share: number): number => Math.round(readyMs[Math.ceil(readyMs.length * share) - 1] ?? 0);
  return {
    kills: kills + 1,
    seed,
    acknowledgements: ledger.acknowledgements,
    events: [...logs.values()].reduce((sum, log) => sum + log.length, 0),
    readyMs: { p50: quantile(0.5), p99: quantile(0.99), max: quantile(1) },
    givenUp: ledger.givenUp,
    sideEffects,
    chatMessages,
    faults: ledger.faults,
  };
}

/** The logs once chats are answered and nothing is left to be sent. */
async function chatsOver(read: () => Promise<Map<string, SessionEvent[]>>): Promise<Map<string, SessionEvent[]>> {
  let logs = await read();
  await until(
    "all is sent to chats",
    async () => {
      logs = await read();
      return [...logs.values()].filter(isOfChat).every(isSettled);
    },
    settledWithinMs,
  );
  return logs;
}

/** Every session's events as the API gives them; the file must hold the same. */
async function readLogs(world: World, server: ServerProcess): Promise<Map<string, SessionEvent[]>> {
  const logs = new Map<string, SessionEvent[]>();
  const { place } = server;
  for (let cursor = ""; ;) {
    const { json } = await ask(place, { path: `/api/v1/sessions?limit=100${cursor}` });
    for (const { session_id: sessionId, problem } of json.sessions) {
      if (problem) world.ledger.fault("unexpected", `${sessionId}: ${JSON.stringify(problem)}`);
      logs.set(sessionId, await readLog(place, sessionId));
    }
    if (json.next_cursor === undefined) break;
    cursor = `&cursor=${encodeURIComponent(json.next_cursor)}`;
  }
  for (const [sessionId, log] of logs) {
    const lines = (await readFile(server.logPath(sessionId), "utf8")).split("\n").slice(0, log.length);
    const same = lines.every((line, index) => JSON.parse(line).seq === log[index]?.seq);
    if (!same) world.ledger.fault("disorder", `${sessionId}: the file has other events than the API`);
  }
  return logs;
}

async function readLog(place: { port: number }, sessionId: string): Promise<SessionEvent[]> {
  const log: SessionEvent[] = [];
  for (;;) {
    const path = `/api/v1/sessions/${sessionId}/events?after=${log.length}&limit=1000`;
    const { json } = await ask(place, { path, headers: { accept: "application/json" } });
    log.push(...json.events);
    if (json.events.length === 0 || log.length >= json.last_seq) return log;
  }
}
