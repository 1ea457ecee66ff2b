import type { Lease } from "../ports/session-store.ts";
import { callsOfTurn, guard } from "../domain/hooks/guard.ts";
import type { Hooks } from "../domain/hooks/hooks.ts";
import { nextStep } from "../domain/session/next-step.ts";
import type { SessionState } from "../domain/session/state.ts";
import type { Step, StepContext } from "../domain/session/step.ts";
import { sessionSettings, type SessionSettings } from "../domain/session/settings.ts";
import { shownCall } from "../domain/session/shown-call.ts";
import type { MessageId, SessionId } from "../schema/ids.ts";
import type { DraftOf, EventDraft, ToolCall } from "../schema/session-event.ts";
import { chatLimits } from "./chat-limits.ts";
import type { LoadedAgent } from "./agents/catalog-types.ts";
import type { CallLimits } from "./limits/call-gate.ts";
import { LiveFeed } from "./live-feed.ts";
import type { PolicyDecision, RuntimeParts, ToolSet } from "./parts.ts";
import { shownProblems } from "./prepare-tools.ts";
import type { Activity } from "./runtime.ts";
import type { SessionLog } from "./session-log.ts";

const defaultBufferSize = 1000;

/** The agent that a session works with now: the version its open turn started with, else the newest. */
export type AgentInForce = { agent: LoadedAgent; tools: ToolSet; settings: SessionSettings; hooks: Hooks };

/** One session in this process: its log, who watches, and what the runner knows that the log does not. */
export class LivingSession {
  readonly id: SessionId;
  readonly log: SessionLog;
  readonly feed = new LiveFeed(defaultBufferSize);
  /** Replaced by another object, or forgotten. */
  closed = false;
  attachedCount = 0;
  readers = 0;
  /** Callers that hold it open for a moment. */
  holds = 0;
  usedAt = 0;
  runner: Promise<void> | null = null;
  /** The lease is being given back. */
  releasing: Promise<void> = Promise.resolve();
  /** Opened again although it has crashed its process repeatedly: someone wants it. */
  forced = false;
  lease: Lease | null = null;
  /** Who ran it before the run that goes on now. */
  previousHolder: Lease["previous"] = "self";
  inForce: AgentInForce | null = null;
  agentMissing: string | null = null;
  /** Why the open turn's model call failed for good; lives until the turn has ended. */
  failure: { turnId: string; code: string; message: string; retryable: boolean } | null = null;
  compactThrough: number | null = null;
  /** Summarising failed in this turn: the history is cut instead. */
  uncompactable: string | null = null;
  running: {
    type: "call_model" | "run_tools" | "recover_tool" | "compact";
    since: number;
    /** Of a model call: the last event that its request shows. */
    throughSeq?: number | undefined;
    abort: AbortController;
  } | null = null;
  backingOff = false;
  private told: Activity = "idle";
  private toldProblems = "";
  /** Asks the engine again whether the running effect goes on. */
  checkRunning: () => void = () => undefined;
  /** Trace ids of requests whose messages no turn has taken in yet. */
  readonly traces = new Map<MessageId, string>();
  /** When the log last told of dropped messages, by why they were, in the clock's monotonic ms. */
  readonly toldDrops = new Map<string, number>();
  /** Ends of background processes that a run is to record, by handle; at most those that the log has as running. */
  readonly endedProcesses = new Map<string, DraftOf<"process_ended">>();
  eventsAtSnapshot = 0;
  readonly limits: CallLimits;
  private readonly parts: RuntimeParts;

  constructor(parts: RuntimeParts, log: SessionLog, limits: CallLimits) {
    this.parts = parts;
    this.limits = limits;
    this.id = log.id;
    this.log = log;
    this.usedAt = parts.clock.now();
    this.eventsAtSnapshot = log.snapshotSeq;
  }

  get tail(): SessionState {
    return this.log.tail;
  }

  get activity(): Activity {
    if (this.backingOff) return "backing_off";
    return activityOf(this.log.durable, this.running !== null);
  }

  redacted(draft: EventDraft): EventDraft {
    return this.parts.redact(draft);
  }

  /** Tells watchers what the session does, where that has changed. */
  tellActivity(more: Readonly<Record<string, unknown>> = {}): void {
    if (this.activity !== this.told) this.tellNow(more);
  }

  /** The same where it has not changed. Problems of tools are part of it, each time: who came late has missed those before. */
  tellNow(more: Readonly<Record<string, unknown>> = {}): void {
    const { activity, toolProblems } = this;
    this.told = activity;
    this.toldProblems = toolProblems.join("\n");
    const problems = toolProblems.length === 0 ? {} : { problems: toolProblems };
    this.feed.add("activity", this.log.durable.seq, { activity, ...more, ...problems });
  }

  /** What is wrong with the tools of its agent, as it may be shown; empty before they were looked for. */
  get toolProblems(): string[] {
    return shownProblems(this.inForce?.tools, this.parts.redact);
  }

  /** Whether they are others than watchers were told last. */
  get hasUntoldProblems(): boolean {
    return this.toolProblems.join("\n") !== this.toldProblems;
  }

  /** Asks the engine, for the log as it is queued. */
  next(withRunning: boolean): Step {
    return nextStep(this.tail, this.context(withRunning));
  }

  settings(): SessionSettings {
    return this.inForce?.settings ?? sessionSettings({}, this.parts.settings().session, this.tail.onDisconnect);
  }

  private context(withRunning: boolean): StepContext {
    const settings = this.settings();
    const { turn } = this.tail;
    return {
      attached: this.attachedCount > 0 || this.isHeldByGateway,
      now: this.parts.clock.now(),
      lease: { epoch: this.lease?.epoch ?? 0, previous: this.previousHolder },
      limits: {
        maxToolIterations: settings.maxToolIterations,
        maxTurnMs: settings.maxTurnMs,
        maxBackgroundMs: settings.maxBackgroundRuntimeMs,
        ttlMs: settings.ttlHours === 0 ? null : settings.ttlHours * 3_600_000,
        ...chatLimits(this.tail.gateway, this.inForce?.agent.definition.spec.access, this.parts.settings()),
        onInterruptedTool: settings.onInterruptedTool,
        agentMissing: turn ? this.agentMissing : null,
        compactThrough: turn && this.uncompactable !== turn.id ? this.compactThrough : null,
        failure: turn && this.failure?.turnId === turn.id ? this.failure : null,
        spent: this.limits.budgets.notice(this),
      },
      tool: (call) => this.toolFacts(call),
      ...(withRunning && this.running ? { running: runningOf(this.running) } : {}),
    };
  }

  /** Its chat is there to answer in, and to be asked. */
  private get isHeldByGateway(): boolean {
    const { gateway } = this.tail;
    return gateway !== null && this.parts.gateways.isReady(gateway.name);
  }

  private toolFacts(call: ToolCall): ReturnType<StepContext["tool"]> {
    const tool = this.inForce?.tools.tools.find((one) => one.definition.name === call.tool_name);
    // A call of no tool, or one with wrong arguments, is answered at once with an error: that repeats safely.
    if (!tool || !this.inForce || tool.fault(call) !== null)
      return { effect: "unsafe", parallelSafe: false, policy: "allow", denial: null, command: call.tool_name };
    const decided = this.inForce.tools.decide(tool, call);
    const { policy, denial } = decided.policy === "deny" ? decided : (this.guarded(call) ?? decided);
    const { redact, digest } = this.parts;
    const { tools } = this.inForce;
    const described = tool.describe(call);
    return {
      effect: tool.effectOf?.(call) ?? tool.effect,
      parallelSafe: tool.parallelSafe === true,
      policy,
      denial,
      // Only made for a question; cut after secrets were taken out, as half of one would not be found.
      get command() {
        return shownCall(redact(described), redact(call), digest);
      },
      get always() {
        return tools.pattern(tool, call) !== "";
      },
      fingerprint: described.fingerprint,
    };
  }

  /** What the agent's hooks have against a call that policy does not deny. */
  private guarded(call: ToolCall): PolicyDecision | null {
    const { turn } = this.tail;
    if (!turn || !this.inForce) return null;
    const denial = guard(this.inForce.hooks, call, () => callsOfTurn(this.log.history, turn.startSeq));
    return denial === null ? null : { policy: "deny", denial };
  }
}

const runningOf = ({ type, since, throughSeq }: NonNullable<LivingSession["running"]>) => ({
  type,
  since,
  ...(throughSeq === undefined ? {} : { throughSeq }),
});

/** What a session does, from its state alone. */
export function activityOf(state: SessionState, working: boolean): Activity {
  if (state.turn?.calls.some((call) => call.status === "asked")) return "awaiting_approval";
  if (working) return "working";
  if (state.status === "paused" || state.status === "ended") return "idle";
  return state.turn ? "working" : "idle";
}
