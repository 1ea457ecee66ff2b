// npm run soak -- --kills 1000 [--seed N]: the kill loop for longer than a test run allows, in rounds with a workspace each.
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";

import { killLoop } from "./kill-loop/kill-loop.ts";

const killsPerRound = 100;

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "1000" },
    seed: { type: "string" },
    clients: { type: "string", default: "8" },
  },
});
const kills = wholeNumber("kills", values.kills);
const clients = wholeNumber("clients", values.clients);
const firstSeed = values.seed === undefined ? randomInt(2 ** 31) : wholeNumber("seed", values.seed);

let faults = 0;
for (let done = 0, round = 0; done < kills; done += killsPerRound, round += 1) {
  const ends: (() => unknown)[] = [];
  const test = { after: (end: () => unknown) => void ends.push(end) };
  try {
    const report = await killLoop(test, {
      kills: Math.min(killsPerRound, kills - done),
      clients,
      seed: firstSeed + round,
    });
    const { p50, p99, max } = report.readyMs;
    process.stdout.write(
      `seed ${report.seed}: ${report.kills} kills, ${report.acknowledgements} acknowledgements, ${report.events} events, ${report.sideEffects} side effects, ${report.chatMessages} messages to chats, ` +
        `${report.givenUp} given up, ${report.faults.length} faults; ready again after ${p50} ms (p50), ${p99} ms (p99), ${max} ms (most)\n`,
    );
    for (const { kind, detail } of report.faults) process.stdout.write(`  ${kind}: ${detail}\n`);
    faults += report.faults.length;
  } finally {
    for (const end of ends) await end();
  }
}
process.exitCode = faults === 0 ? 0 : 1;

function wholeNumber(name: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new Error(`--${name} takes a whole number from 1 on, not ${text}`);
}
