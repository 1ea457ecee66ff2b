import type { PolicyDelivery } from "../../domain/policy/rules.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/telemetry.ts";

export type PolicyNotice = {
  readonly sessionId: string;
  readonly agent: string;
  readonly command: string;
  readonly success: boolean;
};

/** Notices that wait for a webhook; one more is dropped, with a line in the log. */
const waitingMax = 100;
const deliveryMs = 10_000;

/** Tells whoever wants to know about calls that have run: one after the other, and nothing waits for it. */
export class PolicyNotices {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #waiting: { notice: PolicyNotice; url: string }[] = [];
  #isDelivering = false;

  constructor({ log, clock }: { log: Log; clock: Clock }) {
    this.#log = log;
    this.#clock = clock;
  }

  /** No deliveries: the log. */
  tell(notice: PolicyNotice, deliveries: readonly PolicyDelivery[]): void {
    if (deliveries.length === 0 || deliveries.some(({ type }) => type === "log"))
      this.#log.info(fieldsOf(notice), "A tool was called that policy notifies about");
    for (const delivery of deliveries) {
      if (delivery.type !== "webhook") continue;
      if (this.#waiting.length < waitingMax) this.#waiting.push({ notice, url: delivery.url });
      else this.#log.warn(fieldsOf(notice), `A policy webhook is not told: ${waitingMax} notices wait already`);
    }
    if (!this.#isDelivering) void this.#deliverAll();
  }

  async #deliverAll(): Promise<void> {
    this.#isDelivering = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      await this.#post(next.notice, next.url);
    this.#isDelivering = false;
  }

  async #post(notice: PolicyNotice, url: string): Promise<void> {
    const patience = new AbortController();
    const cancel = this.#clock.after(deliveryMs, () => patience.abort(new Error(`no answer within ${deliveryMs} ms`)));
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ event: "command_notification", ...fieldsOf(notice) }),
        signal: patience.signal,
        // An answer that leads elsewhere is not followed: only the address that is configured is told.
        redirect: "manual",
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`it answered ${response.status}`);
    } catch (error) {
      // The host alone: paths of webhooks are secrets.
      this.#log.warn({ ...fieldsOf(notice), host: new URL(url).host, error }, "A policy webhook could not be told");
    } finally {
      cancel();
    }
  }
}

const fieldsOf = ({ sessionId, agent, command, success }: PolicyNotice) => ({
  session_id: sessionId,
  agent,
  command,
  success,
});
