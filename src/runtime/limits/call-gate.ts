import { keyOf } from "../../domain/limits/budgets.ts";
import { assumedOutputTokens } from "../../domain/prompt/fit-request.ts";
import { ModelFailure } from "../../ports/model.ts";
import type { Usage } from "../../schema/session-event.ts";
import { payerOf, type Budgets, type Hold, type PaidModel } from "./budgets.ts";
import type { AgentInForce, LivingSession } from "../living-session.ts";
import { costFor } from "../model-calls/model-limits.ts";
import type { RuntimeParts } from "../parts.ts";
import { waitingMax, type Permit, type RateLevel, type Rates, type Wait } from "./rates.ts";

/** The limits that this process holds its model calls to. */
export type CallLimits = { budgets: Budgets; rates: Rates };

export type GateOptions = {
  session: LivingSession;
  inForce: AgentInForce;
  parts: RuntimeParts;
  signal: AbortSignal;
  /** The session is shown as backing off until the call goes on. */
  onWait(wait: Wait): void;
};

/** One try, before it starts. `outputTokens`: the most that it may answer. */
export type Asking = PaidModel & { promptTokens: number; outputTokens: number | undefined; isFallback: boolean };

/** `refused`: the turn is to end; `passed_over`: another model may be asked. */
export type Admission =
  | { kind: "admitted" }
  | { kind: "refused" | "passed_over" | "aborted" }
  | { kind: "failed"; failure: ModelFailure };

/** Lets the tries of one model call start, each when budgets and rates allow it. Ended once the log has what they cost. */
export class CallGate implements Disposable {
  private readonly limits: CallLimits;
  private readonly options: GateOptions;
  private readonly hold: Hold;
  private permit: Permit | null = null;

  constructor(limits: CallLimits, options: GateOptions) {
    this.limits = limits;
    this.options = options;
    this.hold = {
      agent: payerOf(options.session.tail),
      provider: "",
      estimateUsd: 0,
      unrecordedUsd: {},
      unrecordedTokens: {},
    };
  }

  /** Whether the cost of a try that its provider does not tell has to be thought out. */
  mustCount(of: PaidModel): boolean {
    return this.limits.budgets.inForce(this.options.session, this.options.inForce, of);
  }

  async admit(asking: Asking): Promise<Admission> {
    const { signal } = this.options;
    const reserved = await this.reserve(asking);
    if (reserved.kind !== "admitted") return reserved;
    const tokens = asking.promptTokens + (asking.outputTokens ?? assumedOutputTokens);
    const permit = await this.limits.rates.acquire({
      levels: () => this.levels(asking.provider),
      tokens,
      signal,
      onWait: this.options.onWait,
    });
    if (permit === "aborted") return { kind: "aborted" };
    if (permit === "full") {
      const failure = new ModelFailure(`${waitingMax} model calls wait for their rate limits already`, {
        retryable: true,
      });
      return { kind: "failed", failure };
    }
    this.permit = permit;
    return { kind: "admitted" };
  }

  /** A try is over. One that has failed may be followed by another before the log has what it used. */
  settle(of: PaidModel, usage: Usage | undefined, hasFailed: boolean): void {
    this.permit?.settle(usage?.total_tokens);
    this.permit = null;
    if (!hasFailed) return;
    this.hold.estimateUsd = 0;
    if (!usage) return;
    const { unrecordedUsd, unrecordedTokens } = this.hold;
    const { parts, inForce } = this.options;
    const usd = costFor(parts, inForce, { ...of, usage }) ?? 0;
    unrecordedUsd[of.provider] = (unrecordedUsd[of.provider] ?? 0) + usd;
    unrecordedTokens[of.provider] = (unrecordedTokens[of.provider] ?? 0) + usage.total_tokens;
  }

  /** The log has what the call cost. */
  [Symbol.dispose](): void {
    this.permit?.settle();
    this.permit = null;
    this.limits.budgets.letGo(this.hold);
  }

  private async reserve(asking: Asking): Promise<Admission> {
    const { session, inForce, signal, onWait } = this.options;
    const { budgets } = this.limits;
    this.hold.provider = asking.provider;
    // Who waits reserves nothing, or two could wait for each other.
    this.hold.estimateUsd = 0;
    for (;;) {
      if (signal.aborted) return { kind: "aborted" };
      const verdict = budgets.judge(session, inForce, asking, this.hold);
      if (verdict.kind === "go") {
        this.hold.estimateUsd = this.estimate(asking);
        budgets.keep(this.hold);
        return { kind: "admitted" };
      }
      if (verdict.kind === "spent") {
        budgets.letGo(this.hold);
        if (verdict.own && asking.isFallback) return { kind: "passed_over" };
        budgets.refuse(session, verdict.notice);
        return { kind: "refused" };
      }
      const { budget } = verdict;
      onWait({ forMs: null, reason: `calls in flight may use up ${keyOf(budget)} of ${budget.level.file}` });
      await this.settledOrAborted();
    }
  }

  private settledOrAborted(): Promise<void> {
    const { signal } = this.options;
    return new Promise((resolve) => {
      const done = (): void => {
        forget();
        signal.removeEventListener("abort", done);
        resolve();
      };
      const forget = this.limits.budgets.onSettled(done);
      signal.addEventListener("abort", done, { once: true });
    });
  }

  private estimate(asking: Asking): number {
    const price = this.limits.budgets.priceOf(this.options.inForce, asking);
    if (!price) return 0;
    const output = asking.outputTokens ?? assumedOutputTokens;
    return (asking.promptTokens * price.input + output * price.output) / 1e6;
  }

  private levels(provider: string): RateLevel[] {
    const { parts, inForce, session } = this.options;
    const { limits, providerLimits } = parts.settings();
    const agent = payerOf(session.tail);
    const all: RateLevel[] = [
      {
        key: `agent:${agent}`,
        kind: "agent",
        words: `limits.rate of the agent ${agent}`,
        rate: inForce.agent.definition.spec.limits?.rate,
      },
      {
        key: `provider:${provider}`,
        kind: "provider",
        words: `models.providers.${provider}.limits.rate`,
        rate: providerLimits(provider)?.rate,
      },
      { key: "server", kind: "server", words: "limits.rate of duragent.yaml", rate: limits.rate },
    ];
    return all.filter(({ rate }) => Object.values(rate ?? {}).some((limit) => limit !== undefined));
  }
}
