import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";

import { processesWith } from "../../adapters/gateways/host-harness.ts";
import { ask } from "../../support/http-harness.ts";
import { scriptedAgent, ServerProcess } from "../../support/server-process.ts";
import { until } from "../../support/until.ts";
import { chatConfig, chatFiles, ChatJournal } from "../kill-loop/chat-client.ts";

const program = join(import.meta.dirname, "../programs/disturbing-gateway.mjs");
const manners = [
  "floods",
  "floods-with-nothing",
  "says-long-lines",
  "never-ends-a-line",
  "never-reads",
  "crashes-before-ready",
  "crashes-after-ready",
  "hangs-on-shutdown",
  "hangs-and-has-a-child-elsewhere",
];
const turnsOfLoad = 60;
/** The most that the server may hold more than before. */
const grownMiBMax = 50;

describe("gateways that do what none should", { concurrency: true }, () => {
  it("disturb neither the API, nor another gateway, nor memory, and end with a killed server", async (t) => {
    const { server, journal, word } = await openServer(t, manners);
    const { json: session } = await ask(server.place, { path: "/api/v1/sessions", json: { agent: "echo" } });
    const load = (): Promise<Load> => turnsOf(server, String(session.session_id));
    await load();
    const before = await load();
    const answeredBefore = await answered(journal);

    await writeFile(join(server.folder, "begin"), "");
    const during = await load();
    const others = async (): Promise<boolean> => (await answered(journal)) > answeredBefore + 5;
    await until("the other gateway's people are answered meanwhile", others, 30_000);
    const [p50, p99] = [0.5, 0.99].map((share) => quantile(during, share) / quantile(before, share));
    t.diagnostic(
      `a turn beside them took ${p50?.toFixed(2)} times as long as before (p50), ${p99?.toFixed(2)} times (p99), ` +
        `the server had ${(during.mostMiB / before.mostMiB).toFixed(2)} times as much memory`,
    );
    const grownMiB = during.mostMiB - before.mostMiB;
    assert.ok(grownMiB < grownMiBMax, `${grownMiB} MiB more than ${before.mostMiB}`);

    await server.kill9();
    await until("none of their processes is left", async () => (await processesWith(word)).length === 0, 5_000);
  });

  it("do not keep a server from stopping, and end with it", async (t) => {
    const { server, word } = await openServer(t, ["never-reads", "hangs-on-shutdown"]);
    await writeFile(join(server.folder, "begin"), "");
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    assert.deepEqual(await processesWith(word), []);
  });
});

type Opened = { server: ServerProcess; journal: ChatJournal; word: string };

/** With one gateway that is as it should be; the others begin once the file `begin` is in the workspace. */
async function openServer(t: TestContext, names: readonly string[]): Promise<Opened> {
  const word = `7${process.pid}${Math.floor(Math.random() * 1e9)}`;
  const beside = names.map((name) => ({
    name,
    command: process.execPath,
    args: [program, name, "begin", word],
  }));
  const server = await ServerProcess.start(t, {
    files: { ...scriptedAgent("echo"), ...chatFiles },
    config: chatConfig({ chats: 3, seed: 1, deaths: 0, beside }),
  });
  const journal = new ChatJournal(server.folder);
  await journal.joined(0);
  await until(
    "the one that hangs has started another",
    async () => (await processesWith(word)).length > names.length - 2,
  );
  return { server, journal, word };
}

type Load = { readonly timesMs: readonly number[]; readonly mostMiB: number };

/** One after the other over the API. */
async function turnsOf(server: ServerProcess, sessionId: string): Promise<Load> {
  const timesMs: number[] = [];
  let mostMiB = 0;
  for (let turn = 0; turn < turnsOfLoad; turn += 1) {
    const from = performance.now();
    const path = `/api/v1/sessions/${sessionId}/messages`;
    const { status, text } = await ask(server.place, { path, json: { content: `turn ${turn}` } });
    assert.equal(status, 200, text);
    timesMs.push(performance.now() - from);
    mostMiB = Math.max(mostMiB, await residentMiB(server.life.pid));
  }
  return { timesMs: timesMs.toSorted((a, b) => a - b), mostMiB };
}

const quantile = ({ timesMs }: Load, share: number): number =>
  timesMs[Math.ceil(timesMs.length * share) - 1] ?? Number.NaN;

async function answered(journal: ChatJournal): Promise<number> {
  return (await journal.notes()).filter(({ kind }) => kind === "sent").length;
}

async function residentMiB(pid: number): Promise<number> {
  const found = /VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, "utf8"));
  return Number(found?.[1]) / 1024;
}
