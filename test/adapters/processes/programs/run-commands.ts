// run-commands.ts MODE FOLDER LINE…: runs each line at once, as a server does. Says "up" when all have written something,
// and, when all have ended, what this process has used of memory at most, in KiB.
import { createSystemClock } from "../../../../src/adapters/clock/system.ts";
import { createCommandRunner } from "../../../../src/adapters/processes/command-runner.ts";
import { openSandbox } from "../../../../src/adapters/sandboxes/registry.ts";
import { quietLog } from "../../../../src/app/doctor/quiet-log.ts";
import { contextOf, refOf } from "../command-context.ts";

const [mode, folder = "", ...lines] = process.argv.slice(2);
const runner = createCommandRunner({
  sandbox: await openSandbox({
    mode: mode === "none" ? "none" : "auto",
    network: false,
    env: process.env,
    hidden: { folders: [], files: [], holders: [] },
  }),
  artifacts: {
    async put(_agent, name, content) {
      let bytes = 0;
      for await (const piece of content) bytes += piece.length;
      process.stdout.write(`stored ${bytes}\n`);
      return refOf(name);
    },
  },
  clock: createSystemClock(),
  log: quietLog,
  env: process.env,
  redactBytes: () => ({ push: (piece) => piece, end: () => "" }),
});

const silent = new Set(lines);
const results = await Promise.all(
  lines.map((line) =>
    runner.run(
      { argv: ["bash", "-c", line], cwd: folder, writable: [folder], readable: [], timeoutMs: 120_000 },
      contextOf({
        onOutput() {
          if (silent.delete(line) && silent.size === 0) process.stdout.write("up\n");
        },
      }),
    ),
  ),
);
process.stdout.write(
  `${JSON.stringify({ peakKib: process.resourceUsage().maxRSS, details: results.map((one) => one.details) })}\n`,
);
await runner.close();
