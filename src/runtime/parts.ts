import type { ArtifactStore } from "../ports/artifact-store.ts";
import type { ChatIndex } from "../ports/chat-index.ts";
import type { ModelRegistry } from "../ports/model.ts";
import type { Clock } from "../ports/clock.ts";
import type { GatewayHost } from "../ports/gateway-host.ts";
import type { Notifier } from "../ports/notifier.ts";
import type { RateCounters } from "../ports/rate-counters.ts";
import type { SessionStore } from "../ports/session-store.ts";
import type { Log, Metrics } from "../ports/telemetry.ts";
import type { Tool } from "../ports/tool.ts";
import type { Limits } from "../schema/limits.ts";
import type { SessionId } from "../schema/ids.ts";
import type { ToolCall, ToolResult } from "../schema/session-event.ts";
import type { WrittenSessionSettings } from "../schema/session-settings.ts";
import type { AgentCatalog, LoadedAgent } from "./agents/catalog-types.ts";

export type PolicyDecision = { policy: "allow" | "ask" | "deny"; denial: string | null };

/** The tools of one version of an agent, and what its policy says about a call. */
export type ToolSet = {
  /** As of the last `prepare`. */
  readonly tools: readonly Tool[];
  /** Brings the tools up to date: MCP servers' lists, executables found. Awaited when a turn is taken up and before each model call; bounded in time, never throws. */
  prepare(): Promise<void>;
  /** What a `prepare` that goes on waits for, for people: `starting MCP server files`. */
  waitsFor(): string;
  /** What was wrong with tools at the last `prepare`, for people; what goes on has the same words each time. May hold secrets. */
  problems(): readonly string[];
  decide(tool: Tool, call: ToolCall): PolicyDecision;
  /** What *always allow* would keep for this call: one pattern a line. */
  pattern(tool: Tool, call: ToolCall): string;
  /** Why a call of a tool that is not among `tools` can not be answered, for the model. */
  missing(name: string): string;
  /** Keeps what *always allow* means for later calls: of the tool as it was when it was asked about, not as it may be now. */
  allowAlways(tool: Tool, call: ToolCall, fingerprint?: string): Promise<void>;
  /** A call has run; whoever wants to know is told later. */
  ran(tool: Tool, call: ToolCall, facts: { sessionId: string; result: ToolResult }): void;
};

/** Who can be told something outside of a session, by the name of the channel. */
export type NotifyChannels = {
  readonly default: string | null;
  readonly channels: Readonly<Record<string, "webhook" | GatewayChat>>;
};
/** A chat by the configured name of its gateway. */
export type GatewayChat = { readonly gateway: string; readonly chatId: string };

/** Settings that may change while the server runs; read anew at each use. */
export type RuntimeSettings = {
  session: WrittenSessionSettings;
  /** The server's own; what a provider or an agent says about itself stands beside it. */
  limits: Limits;
  providerLimits(provider: string): Limits | undefined;
  /** Of a provider by its name: `ollama` for one that duragent.yaml calls `local`. */
  providerKind(provider: string): string;
  approvalTimeoutMs: number | null;
  notify: NotifyChannels;
};

/** Everything that the runtime needs from outside. Two of them can live in one process. */
export type RuntimeParts = {
  store: SessionStore;
  artifacts: ArtifactStore;
  catalog: AgentCatalog;
  models: ModelRegistry;
  toolsOf(agent: LoadedAgent): ToolSet;
  notifier: Notifier;
  /** The chat platforms; a server without any has `noGateways`. */
  gateways: Pick<GatewayHost, "isReady" | "status" | "ask" | "tell">;
  chatIndex: ChatIndex;
  rateCounters: RateCounters;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  /** SHA-256 of a text, 64 hex digits. */
  digest(text: string): string;
  /** Takes known secrets out of whatever is about to be stored or shown. */
  redact<Value>(value: Value): Value;
  /** The same for text that comes in pieces: holds back what may be the beginning of a secret. */
  redactText(): { push(text: string): string; end(): string };
  settings(): RuntimeSettings;
  workerId: string;
  /** A session's working notes as they are now. */
  notesOf?(id: SessionId): Promise<string | undefined>;
  /** A session has ended, or is deleted: what its tools left running goes. May be called again for the same. */
  sessionEnded?(id: SessionId): void;
};
