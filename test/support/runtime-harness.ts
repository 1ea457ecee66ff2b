import { createHash } from "node:crypto";

import { MemoryChatIndex } from "../../src/adapters/stores/chats/memory.ts";
import { createSystemClock } from "../../src/adapters/clock/system.ts";
import type { ArtifactStore } from "../../src/ports/artifact-store.ts";
import type { ChatIndex } from "../../src/ports/chat-index.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Notifier } from "../../src/ports/notifier.ts";
import type { SessionStore } from "../../src/ports/session-store.ts";
import type { Log, Metrics } from "../../src/ports/telemetry.ts";
import type { Tool } from "../../src/ports/tool.ts";
import type { AgentCatalog, LoadedAgent } from "../../src/runtime/agents/catalog-types.ts";
import type { NotifyChannels, PolicyDecision, RuntimeParts } from "../../src/runtime/parts.ts";
import { noGateways } from "../../src/runtime/gateways/no-gateways.ts";
import { createSessions, type RunningSessions } from "../../src/runtime/sessions.ts";
import type { SessionId } from "../../src/schema/ids.ts";
import { shortAgentSchema } from "../../src/schema/agent.ts";
import type { Limits } from "../../src/schema/limits.ts";
import type { SessionEvent, ToolCall } from "../../src/schema/session-event.ts";
import type { WrittenSessionSettings } from "../../src/schema/session-settings.ts";
import { clockedCounters } from "./clocked-counters.ts";
import { FakeModel } from "./fake-model.ts";

export type HarnessOptions = {
  store: SessionStore;
  /** Without it there is no place for any. */
  artifacts?: ArtifactStore;
  clock?: Clock;
  session?: WrittenSessionSettings;
  tools?: Tool[];
  policy?: (tool: Tool, call: ToolCall) => PolicyDecision;
  model?: FakeModel;
  approvalTimeoutMs?: number;
  notify?: NotifyChannels;
  notifier?: Notifier;
  gateways?: RuntimeParts["gateways"];
  chatIndex?: ChatIndex;
  /** Of the server and, by name, of providers; without them a model is asked three times. */
  limits?: Limits;
  metrics?: Metrics;
  providerLimits?: Readonly<Record<string, Limits>>;
  /** Of the agent. */
  agentLimits?: Limits;
  /** The model's window, in tokens. */
  window?: number;
};

export type Harness = {
  sessions: RunningSessions;
  model: FakeModel;
  parts: RuntimeParts;
  log: { level: string; message: string }[];
  kept: string[];
};

const nowhere = (): Promise<never> => Promise.reject(new Error("this test keeps no artifacts"));
const noArtifacts: ArtifactStore = {
  put: nowhere,
  find: () => Promise.resolve(undefined),
  get: () => ({ [Symbol.asyncIterator]: () => ({ next: nowhere }) }),
  list: () => Promise.resolve([]),
  delete: nowhere,
  deleteOfSession: () => Promise.resolve(),
};

export const quietMetrics: Metrics = { add: () => {}, observe: () => {}, gauge: () => {} };

/** A runtime around a store, with a model that does as it is told and an agent `tester`. */
export function harness(options: HarnessOptions): Harness {
  const model = options.model ?? new FakeModel();
  const lines: Harness["log"] = [];
  const kept: string[] = [];
  const agent = testAgent(options.session ?? {}, options.window);
  if (options.agentLimits) agent.definition.spec.limits = options.agentLimits;
  const clock = options.clock ?? createSystemClock();
  const catalog: AgentCatalog = {
    list: () => [{ name: agent.name }],
    invalid: () => [],
    get: (name) => Promise.resolve(name === agent.name ? agent : undefined),
    version: (digest) => Promise.resolve(digest === agent.digest ? agent : undefined),
    inline: () => agent,
    keep: () => Promise.resolve(),
    reload: () => Promise.resolve(1),
    onChange: () => () => {},
  };
  const tools = options.tools ?? [];
  const parts: RuntimeParts = {
    store: options.store,
    artifacts: options.artifacts ?? noArtifacts,
    catalog,
    models: model,
    toolsOf: () => ({
      tools,
      prepare: () => Promise.resolve(),
      waitsFor: () => "looking for tools",
      problems: () => [],
      ran: () => undefined,
      decide: options.policy ?? (() => ({ policy: "allow", denial: null })),
      pattern: (tool, call) => `cli:${tool.describe(call).text}`,
      missing: (name) => `There is no tool ${name}.`,
      allowAlways: (tool, call) => {
        kept.push(`cli:${tool.describe(call).text}`);
        return Promise.resolve();
      },
    }),
    gateways: options.gateways ?? noGateways,
    chatIndex: options.chatIndex ?? new MemoryChatIndex({ clock }),
    notifier: options.notifier ?? { notify: () => Promise.resolve({ kind: "sent" }) },
    rateCounters: clockedCounters(clock),
    clock,
    log: recordingLog(lines),
    metrics: options.metrics ?? quietMetrics,
    digest: (text) => createHash("sha256").update(text).digest("hex"),
    redact: (value) => value,
    redactText: () => ({ push: (text) => text, end: () => "" }),
    settings: () => ({
      session: {},
      limits: { retry: { max_attempts: 3, base_delay_ms: 1, max_delay_ms: 5 }, ...options.limits },
      providerLimits: (provider) => options.providerLimits?.[provider],
      providerKind: (provider) => provider,
      approvalTimeoutMs: options.approvalTimeoutMs ?? null,
      notify: options.notify ?? { default: null, channels: {} },
    }),
    workerId: "test",
  };
  return { sessions: createSessions(parts), model, parts, log: lines, kept };
}

export function testAgent(session: WrittenSessionSettings, window?: number): LoadedAgent {
  const model = {
    provider: "fake",
    name: "fake-1",
    max_output_tokens: 100,
    ...(window ? { max_input_tokens: window } : {}),
  };
  // Already parsed: durations stand in milliseconds.
  const definition = { ...shortAgentSchema.parse({ name: "tester", model }) };
  definition.spec = { ...definition.spec, session };
  return {
    name: "tester",
    digest: "d".repeat(64),
    definition,
    soul: undefined,
    systemPrompt: "You are a test.",
    instructions: undefined,
    directives: [],
    skills: [],
    files: new Map(),
    home: "",
    source: "",
    warnings: [],
  };
}

export function recordingLog(lines: { level: string; message: string }[]): Log {
  const write = (level: string) => (fields: object, message: string) => {
    lines.push({
      level,
      message: `${message} ${JSON.stringify(fields, (_key, value) => (value instanceof Error ? value.stack : value))}`,
    });
  };
  const log: Log = {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: () => log,
  };
  return log;
}

export const newSession = async (
  { sessions }: Harness,
  onDisconnect: "continue" | "pause" = "pause",
): Promise<SessionId> => (await sessions.create({ agent: "tester", onDisconnect })).session.sessionId;

export const eventsOf = async ({ parts }: Harness, id: SessionId): Promise<SessionEvent[]> =>
  Array.fromAsync(parts.store.read(id));

export const typesOf = async (running: Harness, id: SessionId): Promise<string[]> =>
  (await eventsOf(running, id)).map((event) => event.type);

/** Resolves with the first durable event, from the log's beginning, that fits; fails after 5 s with what there is. */
export async function eventually(
  { sessions }: Harness,
  id: SessionId,
  fits: (event: SessionEvent) => boolean,
): Promise<SessionEvent> {
  const reader = await sessions.reader(id, { seq: 0 });
  const signal = AbortSignal.timeout(5_000);
  const seen: string[] = [];
  try {
    for (;;) {
      for (const frame of await reader.take(1 << 20)) {
        if (frame.kind !== "durable") continue;
        seen.push(frame.event.type);
        if (fits(frame.event)) return frame.event;
      }
      if (signal.aborted) throw new Error(`did not come; the log has: ${seen.join(", ")}`);
      await reader.wait(signal);
    }
  } finally {
    reader.close();
  }
}
