import type { Clock } from "../../ports/clock.ts";
import type { GatewayHandler, GatewayHost, GatewayState, GatewayStatus } from "../../ports/gateway-host.ts";
import type { Log, Metrics } from "../../ports/telemetry.ts";
import type { ExternalGateway } from "../../schema/config-gateways.ts";
import { DuragentError } from "../../schema/problem.ts";
import { SupervisedGateway } from "./supervised-gateway.ts";

export type GatewayHostOptions = {
  gateways: readonly ExternalGateway[];
  /** Folder of duragent.yaml, absolute. */
  configFolder: string;
  /** Absolute. Each gateway has `gateways/NAME` in it. */
  dataDir: string;
  /** The server's own environment: proxies and the bundled gateways' own secrets are taken from it, nothing else. */
  env: Readonly<Record<string, string | undefined>>;
  /** The minimal environment of every program. */
  environment: Readonly<Record<string, string>>;
  /** Sees to it that a process group, and whatever has `mark` in its environment, ends when this program does; the answer ends that. */
  watch(group: number, mark: string): () => void;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  /** Starts none, and says so. */
  off?: boolean;
};

const states: readonly GatewayState[] = ["starting", "ready", "waiting", "failed", "stopped", "off"];

/** Gateways as subprocesses of this server. */
export function createGatewayHost(options: GatewayHostOptions): GatewayHost {
  const { gateways, metrics, off = false } = options;
  const supervised = new Map<string, SupervisedGateway>();
  let isStopped = false;

  const statusOf = (gateway: ExternalGateway): GatewayStatus =>
    supervised.get(gateway.name)?.status ?? atRest(gateway, off ? "off" : "stopped");
  const named = (name: string): ExternalGateway | undefined => gateways.find((one) => one.name === name);
  const known = (name: string): ExternalGateway => {
    const gateway = named(name);
    if (gateway) return gateway;
    const names = gateways.map((one) => one.name).join(", ") || "none";
    throw new DuragentError("not-found", `There is no gateway "${name}"; those of gateways.external are: ${names}.`);
  };
  for (const gateway of gateways)
    for (const state of states)
      metrics.gauge("duragent_gateways", () => Number(statusOf(gateway).state === state), {
        gateway: gateway.name,
        state,
      });
  const counted = <Answer extends { kind: string }>(gateway: string, type: string, answer: Answer): Answer => {
    const outcome = "why" in answer ? String(answer.why) : answer.kind;
    metrics.add("duragent_gateway_commands_total", { gateway, type, outcome });
    return answer;
  };

  return {
    start(handler: GatewayHandler) {
      if (off || isStopped || supervised.size > 0) return;
      for (const gateway of gateways) supervised.set(gateway.name, new SupervisedGateway(gateway, options, handler));
      for (const one of supervised.values()) one.start();
    },
    list: () => gateways.map(statusOf),
    status(name) {
      const gateway = named(name);
      return gateway && statusOf(gateway);
    },
    isReady: (name) => supervised.get(name)?.isReady === true,
    async ask(name, request) {
      const one = supervised.get(name);
      const answer = one
        ? await one.ask(request)
        : ({ kind: "unanswered", why: "not_ready", detail: `this server runs no gateway ${name}` } as const);
      return counted(name, request.type, answer);
    },
    tell(name, hint) {
      const isTold = supervised.get(name)?.tell(hint) === true;
      counted(name, hint.type, { kind: isTold ? "ok" : "dropped" });
      return isTold;
    },
    async restart(name) {
      const gateway = known(name);
      const one = supervised.get(name);
      if (one && !isStopped) await one.restart();
      return statusOf(gateway);
    },
    async ping(name) {
      const gateway = known(name);
      const answer = await supervised.get(name)?.ping();
      if (answer) return { kind: "pong", connected: answer.pong.connected, tookMs: answer.tookMs };
      const { state, lastError } = statusOf(gateway);
      const detail = state === "ready" || state === "starting" ? "it has not answered within 10 s" : `it is ${state}`;
      return { kind: "silent", detail: lastError === undefined ? detail : `${detail}: ${lastError}` };
    },
    async stop() {
      isStopped = true;
      await Promise.all(supervised.values().map((one) => one.stop()));
    },
  };
}

function atRest({ name, command }: ExternalGateway, state: GatewayState): GatewayStatus {
  const queue = { inbound: 0, outbound: 0, unanswered: 0 };
  return { name, command, state, connected: null, restarts: 0, capabilities: [], queue };
}
