import type { Clock } from "../../ports/clock.ts";
import type { GatewayHost, GatewayStatus } from "../../ports/gateway-host.ts";
import type { GatewayBody, GatewayTrialBody, TryGateway } from "../../schema/api/gateway.ts";

/** A gateway as the API shows it. */
export function gatewayBody(status: GatewayStatus): GatewayBody {
  return {
    name: status.name,
    command: status.command,
    state: status.state,
    pid: status.pid ?? null,
    connected: status.connected,
    restarts: status.restarts,
    last_error: status.lastError ?? null,
    capabilities: [...status.capabilities],
    program: status.program ?? null,
    last_inbound_at: status.lastInboundAt ?? null,
    auth: status.auth ? { ...status.auth } : null,
    queue: status.queue,
  };
}

type Trial = TryGateway & {
  readonly name: string;
  readonly requestId: string;
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
  /** For one that is starting to be ready. */
  readonly waitMs: number;
};

const lookMs = 50;

/** Asks a gateway whether it is there, and lets it send a message where there is a chat for one. Throws `not-found`. */
export async function tryGateway(
  host: Pick<GatewayHost, "list" | "ping" | "ask">,
  { name, chat_id: chatId, text, requestId, clock, waitMs }: Trial,
): Promise<GatewayTrialBody> {
  const statusNow = () => host.list().find((one) => one.name === name);
  const sinceMs = clock.monotonic();
  while (isOnItsWay(statusNow()) && clock.monotonic() - sinceMs < waitMs) await clock.sleep(lookMs);
  const isLate = statusNow()?.state === "starting";
  const pinged = await host.ping(name);
  const waitedS = Math.round((clock.monotonic() - sinceMs) / 1_000);
  const sent =
    chatId === undefined
      ? null
      : await host.ask(name, {
          type: "send_message",
          request_id: requestId,
          chat_id: chatId,
          content: text ?? `This is a test: the gateway ${name} of Duragent can write here.`,
        });
  const status = statusNow();
  if (!status) throw new Error(`the gateway ${name} answered and is not listed`);
  return {
    gateway: gatewayBody(status),
    ping:
      pinged.kind === "pong"
        ? { answered: true, connected: pinged.connected, took_ms: pinged.tookMs, detail: null }
        : {
            answered: false,
            connected: null,
            took_ms: null,
            detail: isLate ? unready(waitedS, status) : pinged.detail,
          },
    sent: sent && {
      ok: sent.kind === "ok",
      message_id: sent.kind === "ok" ? (sent.messageId ?? null) : null,
      detail: sent.kind === "ok" ? null : sent.kind === "error" ? `${sent.code}: ${sent.detail}` : sent.detail,
    },
  };
}

/** It becomes ready, or its end is not told yet. */
const isOnItsWay = (status: GatewayStatus | undefined): boolean =>
  status?.state === "starting" || (status?.state === "waiting" && status.pid !== undefined);

const unready = (waitedS: number, { lastError }: GatewayStatus): string =>
  `it was neither ready nor answered within ${waitedS} s${lastError === undefined ? "" : `: ${lastError}`}`;
