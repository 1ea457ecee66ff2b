import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

import { atMost, told, type Row } from "./row.ts";
import { quantile } from "./support/quantile.ts";
import { benchFolder, startDuragent } from "./support/servers.ts";

/** One after the other: each may say so many messages at once before it is heard at a slower rate. The first warms up the server. */
const gateways = 4;
const messages = 180;
const warmUp = 40;
const goalMs = 3;
const gateway = join(import.meta.dirname, "timing-gateway.ts");

/** From a gateway's message to the command that carries the answer, as its own process sees both; the model answers at once. */
export async function run(): Promise<Row[]> {
  await using folder = await benchFolder();
  // Before and after, so that both meet the same moments of a shared machine.
  const before = await floorTimes(folder.path);
  const paths = Array.from({ length: gateways }, (_, at) => join(folder.path, `times-${at}.json`));
  await writeWorkspace(folder.path, paths);
  await using server = await startDuragent(folder.path);
  while (!existsSync(paths.at(-1) ?? "")) {
    process.kill(server.pid, 0);
    await sleep(50);
  }
  const texts = await Promise.all(paths.slice(1).map((path) => readFile(path, "utf8")));
  const times = texts.flatMap((text) => timesIn(text).slice(warmUp));
  const floor = [before, await floorTimes(folder.path)].flatMap((half) => half.slice(warmUp));
  const peer = { name: "a line there and back, 2 × write + fdatasync", value: quantile(floor, 0.5) };
  const what = "gateway message in → session → out, without the model";
  const why = "a turn with its events, checks and snapshots lies between the two lines";
  return [
    atMost({ what: `${what}, p50`, ours: quantile(times, 0.5), unit: "ms", peer, why }, goalMs),
    told({
      what: `${what}, p99`,
      ours: quantile(times, 0.99),
      unit: "ms",
      peer: { ...peer, value: quantile(floor, 0.99) },
    }),
  ];
}

function timesIn(text: string): number[] {
  const times: unknown = JSON.parse(text);
  if (!Array.isArray(times) || times.length !== messages)
    throw new Error(`not ${messages} times: ${text.slice(0, 100)}`);
  return times.map(Number);
}

async function writeWorkspace(folder: string, paths: readonly string[]): Promise<void> {
  const agent = join(folder, ".duragent/agents/bench");
  await mkdir(agent, { recursive: true });
  const external = paths.map((path, at) => ({
    name: `bench-${at}`,
    command: process.execPath,
    args: [gateway, String(messages), path, ...(paths[at - 1] === undefined ? [] : [paths[at - 1]])],
  }));
  await writeFile(
    join(folder, "duragent.yaml"),
    `logging: { format: json }\ngateways: ${JSON.stringify({ external })}\n`,
  );
  await writeFile(
    join(agent, "agent.yaml"),
    [
      "apiVersion: duragent/v1alpha1",
      "kind: Agent",
      "metadata: { name: bench }",
      "spec:",
      "  model: { provider: scripted, name: ./script.yaml }",
      "  access: { dm: { queue: { debounce: { enabled: false } } } }",
    ].join("\n"),
  );
  await writeFile(join(agent, "script.yaml"), 'rules: [{ when: ".", say: "Something." }]');
}

/** What any server that promises as much has to do for such a message. */
async function floorTimes(folder: string): Promise<number[]> {
  const child = spawn(process.execPath, [gateway, "echo"], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const file = await open(join(folder, "floor"), "a");
  const line = `${JSON.stringify({ type: "message_received", content: { type: "text", text: "Say something." } })}\n`;
  const times: number[] = [];
  try {
    for (let at = 0; at < messages; at += 1) {
      const startedAt = performance.now();
      child.stdin.write(line);
      const back = await lines.next();
      for (const event of [back.value, back.value]) {
        await file.write(`${event}\n`);
        await file.datasync();
      }
      times.push(performance.now() - startedAt);
    }
  } finally {
    child.stdin.end();
    await file.close();
  }
  return times;
}
