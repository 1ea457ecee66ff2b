import { nodeFileSystem } from "../../adapters/file-system/node.ts";
import { readHolder } from "../../adapters/stores/directory-lock.ts";
import type { Clock } from "../../ports/clock.ts";
import type { SessionStore } from "../../ports/session-store.ts";
import type { SessionId } from "../../schema/ids.ts";
import { CommandFailure, exitCodes } from "../../surfaces/cli/exit.ts";
import type { Check } from "../../surfaces/cli/ground.ts";
import { openSessionStore, type Runtime } from "../build-runtime.ts";
import type { LoadedConfig } from "../config/load-config.ts";
import { openDataDirectory } from "../open-data-directory.ts";
import { servedChecks } from "./served-checks.ts";

const pageLength = 500;

const survives = {
  flushed: "flushed: an acknowledged event survives a crash of Duragent, not one of the machine",
  synced: "synced: an acknowledged event survives a crash of the machine",
  replicated: "replicated: an acknowledged event survives the loss of a database node",
} as const;

/** Reading a log from end to end takes a millisecond for a thousand events; beyond so many sessions one waits too long. */
const verifiedMax = 1000;

async function problemsOf(store: SessionStore): Promise<{ total: number; checks: Check[] }> {
  const checks: Check[] = [];
  let total = 0;
  let after: SessionId | undefined;
  for (;;) {
    const page = await store.list(after === undefined ? { limit: pageLength } : { after, limit: pageLength });
    for (const { sessionId, problem } of page) {
      total += 1;
      const found = problem ?? (total <= verifiedMax ? await damageOf(store, sessionId) : undefined);
      if (found === undefined) continue;
      const remedy = `duragent session verify ${sessionId}, then duragent session repair ${sessionId}`;
      checks.push({ status: "error", message: `${sessionId}: ${found.code}: ${found.detail}`, remedy });
    }
    after = page.at(-1)?.sessionId;
    if (page.length < pageLength || after === undefined) break;
  }
  if (total > verifiedMax) {
    const remedy = "duragent session verify reads all of them";
    checks.push({ status: "ok", message: `only the newest ${verifiedMax} logs were read from end to end`, remedy });
  }
  return { total, checks };
}

/** What a log that nobody has opened yet would be found to be. */
async function damageOf(store: SessionStore, id: SessionId): Promise<{ code: string; detail: string } | undefined> {
  const { problems } = await store.verify(id);
  const [first] = problems;
  if (first === undefined) return undefined;
  const place = first.line === undefined ? first.file : `${first.file}:${first.line}`;
  return { code: "session-corrupt", detail: `${place}: ${first.reason}` };
}

/**
 * The level of durability, who holds the directory, and every session that can not be used. Where no server runs, this
 * process takes the lock for the look; where one does, it is asked (`duragent doctor` on its machine, or its API).
 */
export async function checkStore(
  { config }: LoadedConfig,
  clock: Clock,
  { server, served }: { server?: { runtime: Runtime }; served?: unknown },
): Promise<Check[]> {
  const level: Check = {
    status: config.services.session.durability === "flushed" ? "warn" : "ok",
    message: survives[config.services.session.durability],
  };
  if (level.status === "warn") level.remedy = "services.session.durability: synced";
  if (server !== undefined) {
    const { total, checks } = await problemsOf(server.runtime.store);
    return [level, { status: "ok", message: `${total} sessions; this server holds the data directory` }, ...checks];
  }
  try {
    await using directory = await openDataDirectory(config, { tighten: false });
    const store = await openSessionStore(config, clock);
    try {
      const { total, checks } = await problemsOf(store);
      return [
        level,
        { status: "ok", message: `${total} sessions; no server runs (the lock of ${directory.path} is free)` },
        ...checks,
      ];
    } finally {
      await store.shutdown();
    }
  } catch (error) {
    if (!(error instanceof CommandFailure && error.exitCode === exitCodes.locked)) throw error;
    const told = servedChecks(served, "Sessions");
    if (told !== undefined) return told;
    const holder = await readHolder(nodeFileSystem, config.dataDir);
    const who = holder === null ? "another process" : `process ${holder.pid}`;
    return [
      level,
      {
        status: "warn",
        message: `${who} holds the data directory; its sessions were not looked at`,
        remedy: "start the server, or stop that process, and look again",
      },
    ];
  }
}
