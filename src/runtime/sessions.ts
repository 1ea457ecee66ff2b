import { hasOpenWork } from "../domain/session/next-status.ts";
import { sessionSettings } from "../domain/session/settings.ts";
import type { SessionState } from "../domain/session/state.ts";
import type { AgentSessions } from "../ports/agent-sessions.ts";
import type { SessionSummary } from "../ports/session-store.ts";
import type { SessionId } from "../schema/ids.ts";
import { declaredAgent } from "./agent-in-force.ts";
import { alwaysAllow } from "./always-allow.ts";
import { channelSends } from "./channel-sends.ts";
import { chatSends, gatewayGroup } from "./gateways/chat-sends.ts";
import { ChatSessions } from "./gateways/chat-sessions.ts";
import { SeenMessages } from "./gateways/seen-messages.ts";
import { Typing } from "./gateways/typing.ts";
import type { LivingSession } from "./living-session.ts";
import { Outbox } from "./outbox.ts";
import type { RuntimeParts } from "./parts.ts";
import type { Sessions, SessionView } from "./runtime.ts";
import { sessionAnswers } from "./session-answers.ts";
import { sessionCommands } from "./session-commands.ts";
import { sessionLifecycle } from "./session-lifecycle.ts";
import { sessionPresence } from "./session-presence.ts";
import { coveringState, sessionQueries } from "./session-queries.ts";
import { sessionProcesses } from "./session-processes.ts";
import { SessionLog } from "./session-log.ts";
import { SessionRegistry } from "./session-registry.ts";
import { viewOf } from "./session-view.ts";

const startPage = 500;
/** What turns said at their end gets so long to go out when the server stops; what does not is sent after the next start. */
const lastSendsMs = 2_000;

export type RunningSessions = Sessions &
  Pick<AgentSessions, "processEnded" | "processSays"> & {
    /** Takes up everything that was unfinished; resolves when each such session has been looked at. */
    start(): Promise<void>;
    /** Turns go to their next safe point, at most `graceMs`; then what still runs is aborted and every snapshot saved. */
    stop(graceMs: number): Promise<void>;
    /** Neither a client nor work: what an ephemeral server waits for. */
    isQuiet(): boolean;
    /** Which sessions belong to which chats of gateways. */
    readonly chats: ChatSessions;
    /** Which messages of chats have come before. */
    readonly seen: SeenMessages;
    /** A gateway has become ready, has ceased to be, or has reached or lost its platform. */
    gatewayChanged(name: string): void;
    /** Sessions that can not be appended to, as far as they are known. */
    problems(): Promise<{ sessionId: SessionId; code: string; detail: string }[]>;
  };

/** The living process of all sessions: everything that surfaces ask of it goes through here. */
export function createSessions(parts: RuntimeParts): RunningSessions {
  const registry = new SessionRegistry(parts);
  const outbox = new Outbox(registry, [channelSends(parts), chatSends(parts)]);
  const typing = new Typing(parts);
  const chats: ChatSessions = new ChatSessions(registry, (command) => lifecycle.create(command));
  const seen = new SeenMessages(parts, chats);
  const { budgets, inbound } = registry.limits;
  registry.onChanged = (session) => {
    budgets.saw(session.id, session.tail);
    chats.saw(session.id, session.log.durable, session.log.problem);
    outbox.look(session);
    typing.look(session);
    if (session.log.durable.ended) parts.sessionEnded?.(session.id);
  };
  const view = (session: LivingSession): SessionView =>
    viewOf(session.id, session.log.durable, {
      activity: session.activity,
      attachedClients: session.attachedCount,
      problem: session.log.problem,
      budgets: budgets.view(session),
      toolProblems: session.toolProblems,
      always: alwaysShown(session),
    });
  const alwaysShown = (session: LivingSession): string[] | undefined => {
    const always = alwaysAllow(session);
    return always && parts.redact(always.pattern?.split("\n") ?? []);
  };
  const lifecycle = sessionLifecycle(registry, view, {
    beforeLogGoes: (session) => seen.beforeDelete(session.id, session.log.durable),
    logGone: (session) => chats.forget(session.id),
  });
  return {
    ...sessionCommands(registry, view),
    ...sessionAnswers(registry),
    ...sessionPresence(registry),
    ...sessionQueries(registry, view),
    ...lifecycle,
    ...sessionProcesses(registry),
    admitClient: (client) => inbound.admitClient(client),
    checkSender: (id, sender) => registry.with(id, (session) => inbound.checkSender(session, sender)),
    chats,
    seen,
    gatewayChanged(name) {
      chats.changed(name);
      outbox.wake(gatewayGroup(name));
    },
    start() {
      const taken = takeUp(registry, chats);
      chats.loadDuring(taken);
      outbox.holdDuring(taken);
      return taken;
    },
    async stop(graceMs) {
      typing.stop();
      await registry.drain(graceMs);
      await outbox.finish(Math.min(graceMs, lastSendsMs));
      await outbox.stop();
    },
    isQuiet: () =>
      registry.sessions().every((session) => session.readers === 0 && session.attachedCount === 0 && !session.runner),
    async problems() {
      const found: { sessionId: SessionId; code: string; detail: string }[] = [];
      for await (const summary of summaries(registry)) {
        const problem = registry.peek(summary.sessionId)?.log.problem ?? summary.problem;
        if (problem) found.push({ sessionId: summary.sessionId, ...problem });
      }
      return found;
    },
  };
}

/** Sessions with unfinished work go on by themselves; the others sleep until their time to live is over. */
async function takeUp(registry: SessionRegistry, chats: ChatSessions): Promise<void> {
  const { parts } = registry;
  const { budgets } = registry.limits;
  for (const [id, spent] of await parts.store.spentByDeleted()) budgets.sawDeleted(id, spent);
  for await (const summary of summaries(registry)) {
    if (summary.problem?.code === "storage-failed") {
      registry.notOpened(summary.sessionId, new Error(summary.problem.detail));
      continue;
    }
    if (summary.problem) {
      parts.log.warn({ session_id: summary.sessionId, code: summary.problem.code }, summary.problem.detail);
      await lookAtUnopened(registry, chats, summary);
      continue;
    }
    const state = coveringState(summary);
    if (state) budgets.saw(summary.sessionId, state);
    if (state) chats.saw(summary.sessionId, state);
    if (state && !hasOpenWork(state) && state.sends.length === 0 && !state.endAsked) {
      registry.wakeAt(summary.sessionId, await endOfLife(state, parts));
      continue;
    }
    try {
      registry.kick(await registry.get(summary.sessionId));
    } catch (error) {
      registry.notOpened(summary.sessionId, error);
    }
  }
  budgets.counted();
}

/** What a session spent that is not to be run, and whose it is: as far as its log can be read. */
async function lookAtUnopened(
  { parts, limits }: SessionRegistry,
  chats: ChatSessions,
  { sessionId: id, problem }: SessionSummary,
): Promise<void> {
  try {
    const state = (await SessionLog.open(parts, id)).durable;
    limits.budgets.saw(id, state);
    chats.saw(id, state, problem);
  } catch (error) {
    parts.log.warn({ session_id: id, err: error }, "what a session has spent today could not be read");
  }
}

async function endOfLife(state: SessionState, { catalog, settings }: RuntimeParts): Promise<number | null> {
  if (state.ended) return null;
  const agent = await declaredAgent(state, catalog);
  const { ttlHours } = sessionSettings(agent?.definition.spec.session ?? {}, settings().session, state.onDisconnect);
  return ttlHours === 0 ? null : Date.parse(state.updatedAt) + ttlHours * 3_600_000;
}

async function* summaries({ parts }: SessionRegistry) {
  let after: SessionId | undefined;
  for (;;) {
    const page = await parts.store.list({ ...(after ? { after } : {}), limit: startPage });
    yield* page;
    after = page.at(-1)?.sessionId;
    if (page.length < startPage) return;
  }
}
