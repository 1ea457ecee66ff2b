// Starts one background process as a server does, says its record on stdout, and lives until it is killed.
// node start-process.ts FOLDER COMMAND [interactive] [TIMEOUT_MS] [N: dies instead of writing a record for the Nth time]
import { writeSync } from "node:fs";

import { createSystemClock } from "../../../../src/adapters/clock/system.ts";
import { nodeFileSystem } from "../../../../src/adapters/file-system/node.ts";
import { openBackgroundProcesses } from "../../../../src/adapters/processes/background/open.ts";
import { recordingLog } from "../../../support/runtime-harness.ts";
import { command, context, listeningSessions, noSandbox } from "../ground.ts";

const [workspace = "", line = "", screen, timeoutMs = "60000", diesAt] = process.argv.slice(2);

let written = 0;
const dying: typeof nodeFileSystem = {
  ...nodeFileSystem,
  async replace(path, bytes, options) {
    written += 1;
    if (String(written) === diesAt) process.kill(process.pid, "SIGKILL");
    await nodeFileSystem.replace(path, bytes, options);
  },
};
const processes = await openBackgroundProcesses({
  folder: `${workspace}/processes`,
  fileSystem: dying,
  sandbox: noSandbox,
  // Nobody is told here: what the next server says is looked at.
  sessions: listeningSessions({ ended: [], said: [] }, { times: Number.POSITIVE_INFINITY }),
  clock: createSystemClock(),
  log: recordingLog([]),
  env: process.env,
  pollMs: 100,
});
const options = { interactive: screen === "interactive", timeoutMs: Number(timeoutMs) };
const record = await processes.start(
  command(line, workspace, options),
  context({ idempotencyKey: "the key of the call" }),
);
writeSync(1, `${JSON.stringify(record)}\n`);
setInterval(() => undefined, 60_000);
