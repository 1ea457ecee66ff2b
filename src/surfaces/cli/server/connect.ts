import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { CommandContext, GlobalFlags } from "../context.ts";
import { CommandFailure, exitCodes } from "../exit.ts";
import type { Place, ServerRecord } from "../ground.ts";
import { isWorkspace, noWorkspace } from "../workspace/workspace-here.ts";
import type { ServerApi } from "./api.ts";
import { backgroundStarter } from "./background.ts";
import { reach, type Reached } from "./reach.ts";

/** A start with 10,000 sessions on a slow disk takes a while; more is a server that hangs. */
const startMsMax = 20_000;
const stopMsMax = 60_000;
const lookMsMin = 10;
const lookMsMax = 200;

/** Looks until `found` has an answer, ever less often; `null` when the time is over. */
async function until<Found>(withinMs: number, found: () => Promise<Found | null>): Promise<Found | null> {
  const deadline = performance.now() + withinMs;
  for (let waitMs = lookMsMin; ; waitMs = Math.min(lookMsMax, waitMs * 2)) {
    const answer = await found();
    if (answer !== null) return answer;
    if (performance.now() > deadline) return null;
    await sleep(waitMs);
  }
}

async function placeOf(context: CommandContext, globals: GlobalFlags): Promise<Place> {
  return (await context.ground()).place({ cwd: context.cwd, env: context.env, config: globals.config });
}

const tokenOf = (context: CommandContext, globals: GlobalFlags): string | undefined =>
  globals.token ?? (context.env["DURAGENT_API_TOKEN"] || undefined);

/** The server that `--server` names. Throws `unavailable` when none answers there. */
async function remote(context: CommandContext, globals: GlobalFlags, url: string): Promise<ServerApi> {
  if (!URL.canParse(url) || !/^https?:/u.test(url)) {
    throw new CommandFailure(exitCodes.usage, `--server: ${url} is no address`, {
      hint: "write it as http://127.0.0.1:8080",
    });
  }
  const reached = await reach({ url, token: tokenOf(context, globals) });
  if (reached.kind === "absent") {
    throw new CommandFailure(exitCodes.unavailable, `no server answers at ${url}: ${reached.reason}`, {
      hint: "check the address, and that the server runs",
    });
  }
  return reached.api;
}

/**
 * The data directory's own server, by its socket, or its address where the socket is turned off. Asked again where another
 * one has announced itself meanwhile: whose server it is decides whether a chat may start it again.
 */
async function local(context: CommandContext, globals: GlobalFlags, place: Place): Promise<Reached> {
  const ground = await context.ground();
  let record = await ground.serverRecord(place.dataDir);
  for (;;) {
    const reached = await localAs(record, context, globals, place);
    const now = await ground.serverRecord(place.dataDir);
    if (reached.kind !== "ready" || now?.started_at === record?.started_at) return reached;
    record = now;
  }
}

async function localAs(
  record: ServerRecord | null,
  context: CommandContext,
  globals: GlobalFlags,
  place: Place,
): Promise<Reached> {
  // Only a server in the background listens nowhere else: nobody would start that one again but us.
  const revive = record !== null && record.url === undefined ? backgroundStarter(context, globals, place) : undefined;
  const bySocket = await reach({ socket: record?.socket ?? join(place.dataDir, "server.sock"), revive });
  if (bySocket.kind !== "absent" || record?.url === undefined) return bySocket;
  const byAddress = await reach({
    url: record.url,
    token: tokenOf(context, globals) ?? place.apiToken ?? place.adminToken,
  });
  return byAddress.kind === "absent" ? bySocket : byAddress;
}

/** The server to talk to if one runs already; `null` where none does. Never starts one. */
export async function openServerIfAny(context: CommandContext, globals: GlobalFlags): Promise<ServerApi | null> {
  if (globals.server !== undefined) return remote(context, globals, globals.server);
  const reached = await local(context, globals, await placeOf(context, globals));
  return reached.kind === "absent" ? null : reached.api;
}

/**
 * The server to talk to: the one of `--server`, or the data directory's, started in the background where none runs.
 * Of two that start at once one gets the directory, and both callers end up with it. Outside of a workspace only a command
 * that `makesWorkspace` goes on.
 */
export async function openServer(
  context: CommandContext,
  globals: GlobalFlags,
  { makesWorkspace = false }: { makesWorkspace?: boolean } = {},
): Promise<ServerApi> {
  if (globals.server !== undefined) return remote(context, globals, globals.server);
  const place = await placeOf(context, globals);
  if (!isWorkspace(place)) {
    if (!makesWorkspace) throw noWorkspace();
    if (globals.verbosity >= 0) context.stderr.write(`(there was no workspace here: ${place.dataDir} is made)\n`);
  }
  const first = await local(context, globals, place);
  if (first.kind === "ready") return first.api;

  const start = backgroundStarter(context, globals, place);
  const api = await until(startMsMax, async () => {
    const reached = await local(context, globals, place);
    if (reached.kind === "ready") return reached.api;
    if (reached.kind === "busy") return null;
    const background = await start();
    const exit = background.exit();
    // Another one was faster and is about to be ready.
    if (exit === null || exit.code === exitCodes.locked) return null;
    throw await background.failure(exit);
  });
  if (api !== null) return api;
  const holder = await (await context.ground()).serverRecord(place.dataDir);
  const who = holder === null ? "a process" : `process ${holder.pid}`;
  throw new CommandFailure(exitCodes.unavailable, `${who} holds ${place.dataDir} and does not answer`, {
    hint: `look into ${join(place.dataDir, "logs", "server.log")}, or end that process`,
  });
}

/** Resolves when the server no longer answers. Throws `failed` when it takes longer than a minute. */
export async function waitUntilGone(server: ServerApi): Promise<void> {
  const gone = await until(stopMsMax, async () => ((await server.answers()) ? null : true));
  if (gone === null)
    throw new CommandFailure(exitCodes.failed, "the server is still draining after a minute", {
      hint: "it stops by itself; `duragent serve status` says how far it is",
    });
}
