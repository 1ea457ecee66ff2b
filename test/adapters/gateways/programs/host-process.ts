// A server with one gateway: starts it, says when it is ready, and stays until it is killed. Arguments: folder, odd.mjs' own.
import { join } from "node:path";

import { createSystemClock } from "../../../../src/adapters/clock/system.ts";
import { createGatewayHost } from "../../../../src/adapters/gateways/host.ts";
import { noMetrics } from "../../../../src/adapters/metrics/none.ts";
import { Watchdog } from "../../../../src/adapters/processes/watchdog.ts";
import { recordingLog } from "../../../support/runtime-harness.ts";
import { entry } from "../host-harness.ts";

const [folder = "", ...args] = process.argv.slice(2);
const watchdog = new Watchdog();
const host = createGatewayHost({
  gateways: [entry("odd.mjs", { args })],
  configFolder: folder,
  dataDir: join(folder, "data"),
  env: {},
  environment: { PATH: process.env["PATH"] ?? "" },
  watch: (group, mark) => watchdog.watch(group, mark),
  clock: createSystemClock(),
  log: recordingLog([]),
  metrics: noMetrics,
});
host.start({
  received: () => Promise.resolve(),
  changed: (name) => void (host.isReady(name) && process.stdout.write("ready\n")),
});
setInterval(() => undefined, 60_000);
