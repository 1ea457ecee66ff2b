import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";

import { createSystemClock } from "../../../src/adapters/clock/system.ts";
import { createGatewayHost, type GatewayHostOptions } from "../../../src/adapters/gateways/host.ts";
import { metricDefinitions } from "../../../src/adapters/metrics/definitions.ts";
import type { GatewayHost, GatewayStatus, InboundEvent } from "../../../src/ports/gateway-host.ts";
import type { Metrics } from "../../../src/ports/telemetry.ts";
import type { ExternalGateway } from "../../../src/schema/config-gateways.ts";
import { Secret } from "../../../src/schema/secret.ts";
import { recordingLog } from "../../support/runtime-harness.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { until } from "../../support/until.ts";

const programs = join(import.meta.dirname, "programs");

type Entry = Partial<Omit<ExternalGateway, "env" | "config">> & {
  env?: Record<string, string>;
  config?: ReturnType<ExternalGateway["config"]["reveal"]>;
};

/** An entry of the configuration for a program of programs/. */
export const entry = (program: string, { env = {}, config = {}, ...more }: Entry = {}): ExternalGateway => ({
  name: "chat",
  command: process.execPath,
  args: [join(programs, program), ...(more.args ?? [])],
  restart: "on_failure",
  ...(({ args: _, ...rest }) => rest)(more),
  env: new Secret(env),
  config: new Secret(config),
});

export type Ground = {
  host: GatewayHost;
  folder: string;
  events: { gateway: string; event: InboundEvent }[];
  log: { level: string; message: string }[];
  changes: GatewayStatus[];
  counted(name: string, labels?: Record<string, string>): number;
  status(name?: string): GatewayStatus;
  /** Resolves once a gateway is so. */
  becomes(state: GatewayStatus["state"], name?: string): Promise<GatewayStatus>;
};

/** Programs that hang are insisted with by the clock: one that stands still is moved on. */
async function stopped(host: GatewayHost, clock: object | undefined): Promise<void> {
  let isDone = false;
  const done = host.stop().then(() => (isDone = true));
  if (clock && "advance" in clock && typeof clock.advance === "function")
    for (; !isDone; await new Promise(setImmediate)) clock.advance(1_000);
  await done;
}

type Options = Partial<Omit<GatewayHostOptions, "gateways" | "log" | "metrics">> & {
  received?(event: InboundEvent, gateway: string): Promise<void>;
};

/** A host of these gateways, started; stopped when the test ends. */
export async function openHost(
  t: Pick<TestContext, "after">,
  gateways: readonly ExternalGateway[],
  { received, ...options }: Options = {},
): Promise<Ground> {
  const folder = await temporaryFolder(t);
  const log: Ground["log"] = [];
  const { metrics, counted } = countingMetrics();
  const host = createGatewayHost({
    gateways,
    configFolder: folder,
    dataDir: join(folder, "data"),
    env: {},
    environment: { PATH: process.env["PATH"] ?? "" },
    watch: () => () => undefined,
    clock: createSystemClock(),
    log: recordingLog(log),
    metrics,
    ...options,
  });
  t.after(() => stopped(host, options.clock));
  const events: Ground["events"] = [];
  const changes: GatewayStatus[] = [];
  const first = gateways[0]?.name ?? "chat";
  const status = (name = first): GatewayStatus => {
    const found = host.status(name);
    if (!found) throw new Error(`no gateway ${name}`);
    return found;
  };
  host.start({
    async received(gateway, event) {
      events.push({ gateway, event });
      await received?.(event, gateway);
    },
    changed: (name) => void changes.push(status(name)),
  });
  const becomes = async (state: GatewayStatus["state"], name = first): Promise<GatewayStatus> => {
    await until(`${name} is ${state}`, () => status(name).state === state);
    return status(name);
  };
  return { host, folder, events, log, changes, counted, status, becomes };
}

function countingMetrics() {
  const counts: { name: string; labels: Record<string, string>; value: number }[] = [];
  const known: Record<string, unknown> = metricDefinitions;
  const metrics: Metrics = {
    add(name, labels = {}, value = 1) {
      if (!(name in known)) throw new Error(`no metric ${name}`);
      const same = counts.find((one) => one.name === name && JSON.stringify(one.labels) === JSON.stringify(labels));
      if (same) same.value += value;
      else counts.push({ name, labels, value });
    },
    observe: () => undefined,
    gauge: () => undefined,
  };
  const counted = (name: string, labels: Record<string, string> = {}): number =>
    counts
      .filter((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value))
      .reduce((sum, { value }) => sum + value, 0);
  return { metrics, counted };
}

/** A message as a gateway sends it. */
export const message = (id: string, text = "hello") => ({
  type: "message_received",
  message_id: id,
  chat_id: "c1",
  sender: { id: "u1" },
  content: { type: "text", text },
  routing: { channel: "test", chat_type: "dm", chat_id: "c1", sender_id: "u1" },
});

/** Processes, by id, in whose environment or command line the word stands; zombies are none. */
export async function processesWith(word: string): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const read = (name: string) => readFile(`/proc/${pid}/${name}`, "latin1").catch(() => "");
      const text = (await read("environ")) + (await read("cmdline"));
      return text.includes(word) ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}
