import type { Log, Metrics } from "../ports/telemetry.ts";
import type { InForce, Runtime } from "./build-runtime.ts";

/**
 * Starts the gateways and takes in what people write there; the sessions of earlier starts are known already. The answer
 * ends both: messages that come then are not confirmed, and are delivered again after the next start.
 */
export async function joinChats(
  runtime: Runtime,
  inForce: InForce,
  { log, metrics }: { log: Log; metrics: Metrics },
): Promise<() => Promise<void>> {
  const { sessions, catalog, clock, gateways, artifacts, digest } = runtime;
  const [{ createGatewayRouter }, { createDescribeMessage }, { incomingFiles }] = await Promise.all([
    import("../runtime/gateways/router.ts"),
    import("../runtime/gateways/media-in.ts"),
    import("./incoming-files.ts"),
  ]);
  const router = createGatewayRouter({
    sessions,
    chats: sessions.chats,
    seen: sessions.seen,
    host: gateways,
    catalog,
    describe: createDescribeMessage({ artifacts, files: incomingFiles(inForce, clock), log, digest }),
    settings: () => ({ routes: inForce.config.routes, defaultAgent: inForce.config.defaultAgent }),
    clock,
    log,
    metrics,
    digest,
    redact: (value) => inForce.redaction.redactor.value(value),
  });
  gateways.start({
    received: (gateway, event) => router.received(gateway, event),
    changed: (gateway) => sessions.gatewayChanged(gateway),
  });
  return () => router.stop();
}
