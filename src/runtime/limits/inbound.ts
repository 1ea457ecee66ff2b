import { DuragentError } from "../../schema/problem.ts";
import { payerOf } from "./budgets.ts";
import type { LivingSession } from "../living-session.ts";
import type { RuntimeParts } from "../parts.ts";

const minuteMs = 60_000;

/** A message that was let in: `giveBack` where it turns out to be one that had come before. */
export type SenderCheck = { refusal: DuragentError | null; giveBack(): void };

/** How much may come in: requests of one client, messages of one sender. Nothing of what is refused is written. */
export class Inbound {
  private readonly parts: Pick<RuntimeParts, "settings" | "rateCounters" | "metrics">;

  constructor(parts: Pick<RuntimeParts, "settings" | "rateCounters" | "metrics">) {
    this.parts = parts;
  }

  /** Throws `rate-limited` for a client that has sent too much in this minute. */
  async admitClient(client: string): Promise<void> {
    const limit = this.parts.settings().limits.inbound?.per_client_per_minute;
    if (limit === undefined) return;
    const { taken, resetMs } = await this.take(`client:${client}`, limit);
    if (!taken)
      throw this.refusal(
        "client",
        resetMs,
        `this client has sent ${limit} requests within a minute, all that limits.inbound.per_client_per_minute of duragent.yaml allows`,
      );
  }

  /** Whether a sender may send one message more, by the agent's limit and the server's; without a name nobody is counted. */
  async admitSender({ tail, inForce }: LivingSession, sender: string | undefined): Promise<SenderCheck> {
    const agent = payerOf(tail);
    // Ids are the platform's: the same one on another, or made up by another gateway, is somebody else.
    const who = tail.gateway ? JSON.stringify([tail.gateway.name, sender]) : sender;
    const server = this.parts.settings().limits.inbound?.per_sender_per_minute;
    const own = inForce?.agent.definition.spec.limits?.inbound?.per_sender_per_minute;
    const counts = [
      { key: `sender:${who}`, limit: server, words: "limits.inbound.per_sender_per_minute of duragent.yaml" },
      {
        key: `agent:${agent}:${who}`,
        limit: own,
        words: `limits.inbound.per_sender_per_minute of the agent ${agent}`,
      },
    ];
    const held: string[] = [];
    const giveBack = (): void => {
      for (const key of held.splice(0)) void this.parts.rateCounters.correct(`inbound/${key}`, minuteMs, -1);
    };
    for (const { key, limit, words } of sender === undefined ? [] : counts) {
      if (limit === undefined) continue;
      const { taken, resetMs } = await this.take(key, limit);
      if (taken) {
        held.push(key);
        continue;
      }
      giveBack();
      const detail = `the sender has sent ${limit} messages within a minute, all that ${words} allows`;
      return { refusal: this.refusal("sender", resetMs, detail), giveBack };
    }
    return { refusal: null, giveBack };
  }

  /** Throws what `admitSender` would refuse, and counts nothing. */
  async checkSender(session: LivingSession, sender: string | undefined): Promise<void> {
    const { refusal, giveBack } = await this.admitSender(session, sender);
    giveBack();
    if (refusal) throw refusal;
  }

  private take(key: string, limit: number): Promise<{ taken: boolean; resetMs: number }> {
    return this.parts.rateCounters.take(`inbound/${key}`, { ms: minuteMs, limit }, 1);
  }

  private refusal(of: "client" | "sender", resetMs: number, why: string): DuragentError {
    this.parts.metrics.add("duragent_inbound_refused_total", { of });
    const seconds = Math.max(1, Math.ceil(resetMs / 1000));
    return new DuragentError("rate-limited", `${why}; nothing was taken in, try again in ${seconds} s`, {
      retryAfterMs: resetMs,
      retryable: true,
    });
  }
}
