import { createHmac } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { tokens } from "./api-server.ts";
import { nameOf, type Delivery, type DeliveryKind } from "./delivery.ts";
import type { Workspace } from "./workspace.ts";

/** The real ones are "nearly at once", a minute and five minutes. */
const retriesMs = [0, 500, 1_000];

/** Events and presses as requests that are signed. https://docs.slack.dev/apis/events-api/using-http-request-urls */
export class HttpDelivery implements Delivery {
  readonly acknowledged: string[] = [];
  readonly #workspace: Workspace;
  readonly #url: string;
  readonly #ackWaitMs: number;
  readonly #ended = new AbortController();
  #isReachable = true;

  constructor(workspace: Workspace, url: string, ackWaitMs: number) {
    this.#workspace = workspace;
    this.#url = url;
    this.#ackWaitMs = ackWaitMs;
  }

  deliver(kind: DeliveryKind, payload: object): Promise<{ readonly acknowledged: Promise<void> }> {
    const acknowledged = this.#untilTaken(kind, payload);
    acknowledged.catch(() => {
      // Given up, as Slack does after three tries.
    });
    return Promise.resolve({ acknowledged });
  }

  dropConnections(): void {
    // Each request has its own.
  }

  setReachable(reachable: boolean): void {
    this.#isReachable = reachable;
    this.#workspace.changed();
  }

  close(): Promise<void> {
    this.#ended.abort();
    return Promise.resolve();
  }

  async #untilTaken(kind: DeliveryKind, payload: object): Promise<void> {
    for (const [attempt, waitMs] of [undefined, ...retriesMs].entries()) {
      if (waitMs !== undefined) await sleep(waitMs, undefined, { signal: this.#ended.signal });
      await this.#workspace.when(
        () => this.#isReachable || undefined,
        () => "Slack was away",
      );
      if (await this.#isTaken(kind, payload, attempt)) {
        this.acknowledged.push(nameOf(payload));
        this.#workspace.changed();
        return;
      }
    }
    throw new Error("not taken in four tries");
  }

  async #isTaken(kind: DeliveryKind, payload: object, attempt: number): Promise<boolean> {
    const json = JSON.stringify(payload);
    const request =
      kind === "events_api"
        ? { type: "application/json", body: json }
        : { type: "application/x-www-form-urlencoded", body: new URLSearchParams({ payload: json }).toString() };
    const again: Record<string, string> =
      attempt > 0 ? { "x-slack-retry-num": String(attempt), "x-slack-retry-reason": "http_timeout" } : {};
    try {
      const response = await fetch(this.#url, {
        method: "POST",
        headers: { "content-type": request.type, ...signed(request.body), ...again },
        body: request.body,
        signal: AbortSignal.any([this.#ended.signal, AbortSignal.timeout(this.#ackWaitMs)]),
      });
      await response.body?.cancel();
      return response.status === 200;
    } catch {
      // Nobody listens, or nobody answers in time.
      return false;
    }
  }
}

/** https://docs.slack.dev/authentication/verifying-requests-from-slack */
export function signed(
  body: string,
  {
    secret = tokens.signingSecret,
    seconds = Math.floor(Date.now() / 1_000),
  }: { secret?: string; seconds?: number } = {},
): Record<string, string> {
  const digest = createHmac("sha256", secret).update(`v0:${seconds}:${body}`).digest("hex");
  return { "x-slack-request-timestamp": String(seconds), "x-slack-signature": `v0=${digest}` };
}
