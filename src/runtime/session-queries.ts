import type { SessionSummary } from "../ports/session-store.ts";
import { initialState, pendingCall, type SessionState } from "../domain/session/state.ts";
import type { SessionId } from "../schema/ids.ts";
import { DuragentError } from "../schema/problem.ts";
import type { SessionEvent } from "../schema/session-event.ts";
import { activityOf, type LivingSession } from "./living-session.ts";
import { alwaysAllowed } from "./always-allow.ts";
import type { RuntimeParts } from "./parts.ts";
import type { SessionQuery, Sessions, SessionView } from "./runtime.ts";
import { isSnapshotUsable } from "./session-log.ts";
import type { SessionRegistry } from "./session-registry.ts";
import { viewOf } from "./session-view.ts";

const scanPage = 200;
/** Who asks what *always* would keep, just after a start, waits so long for the tools to be found. */
const toolsWaitMs = 2_000;

/** What can be asked about sessions; nothing here changes one. */
export function sessionQueries(
  registry: SessionRegistry,
  view: (session: LivingSession) => SessionView,
): Pick<Sessions, "get" | "list" | "events" | "messages" | "exportLog"> {
  const { store } = registry.parts;

  const viewOfSummary = async (summary: SessionSummary): Promise<SessionView> => {
    const living = registry.peek(summary.sessionId);
    if (living) return view(living);
    const state = coveringState(summary);
    if (!state) return registry.with(summary.sessionId, async (session) => view(session));
    const { count } = await store.attached(summary.sessionId);
    const seen = { activity: activityOf(state, false), attachedClients: count, problem: summary.problem };
    return viewOf(summary.sessionId, state, seen);
  };

  return {
    get: (id) =>
      registry.with(id, async (session) => {
        if (pendingCall(session.tail)) await toolsSoon(session, registry.parts);
        return view(session);
      }),

    async list(query) {
      const found: SessionView[] = [];
      let after = query.cursor as SessionId | undefined;
      for (;;) {
        const page = await store.list({ ...(after ? { after } : {}), limit: Math.max(query.limit + 1, scanPage) });
        for (const summary of page) {
          const one = await viewOfSummary(summary).catch((error: unknown) => unreadable(summary, error));
          if (one === null || !matches(one, query)) continue;
          if (found.length === query.limit) return { sessions: found, nextCursor: found.at(-1)?.sessionId ?? "" };
          found.push(one);
        }
        after = page.at(-1)?.sessionId;
        if (page.length < Math.max(query.limit + 1, scanPage) || !after) return { sessions: found };
      }
    },

    events: (id, { after, limit, backwards }) =>
      registry.with(id, async (session) => {
        const near = backwards ? null : session.log.kept.durableAfter(after)?.slice(0, limit);
        const options = { after, limit, ...(backwards ? { backwards } : {}) };
        const events = near ?? (await Array.fromAsync(store.read(id, options)));
        return { events, lastSeq: session.log.durable.seq };
      }),

    async messages(id, { limit, before }) {
      await registry.get(id);
      const found: Awaited<ReturnType<Sessions["messages"]>> = [];
      for await (const event of store.read(id, { backwards: true })) {
        if (before !== undefined && event.seq >= before) continue;
        const message = messageOf(event);
        if (message) found.push(message);
        if (limit !== undefined && found.length >= limit) break;
      }
      return found.toReversed();
    },

    exportLog: (id) => store.export(id),
  };
}

/** The state that a summary's snapshot holds, if it covers the whole log. */
export function coveringState({ snapshot, head }: SessionSummary): SessionState | null {
  if (!snapshot || snapshot.seq !== head || !isSnapshotUsable(snapshot)) return null;
  return snapshot.state as SessionState;
}

// It went between the page and the look at it, or its log can not be read at all: the list goes on without its facts.
function unreadable(summary: SessionSummary, error: unknown): SessionView | null {
  if (error instanceof DuragentError && (error.code === "session-not-found" || error.code === "session-ended"))
    return null;
  const detail = error instanceof Error ? error.message : String(error);
  const problem = summary.problem ?? { code: "storage-failed" as const, detail };
  return viewOf(summary.sessionId, initialState, { activity: "idle", attachedClients: 0, problem });
}

function matches(view: SessionView, { status, agent, labels }: SessionQuery): boolean {
  if (status === undefined ? view.status === "ended" : view.status !== status) return false;
  if (agent !== undefined && view.agent !== agent) return false;
  return Object.entries(labels ?? {}).every(([name, value]) => view.labels?.[name] === value);
}

function messageOf(event: SessionEvent): Awaited<ReturnType<Sessions["messages"]>>[number] | null {
  const turn = event.turn_id === undefined ? {} : { turn_id: event.turn_id };
  const common = { seq: event.seq, timestamp: event.timestamp, ...turn };
  if (event.type === "user_message") {
    const sender = event.sender_name === undefined ? {} : { sender_name: event.sender_name };
    return { role: "user", content: event.content, message_id: event.message_id, ...common, ...sender };
  }
  if (event.type !== "assistant_response" || event.content === "" || event.tool_calls?.length) return null;
  return { role: "assistant", content: event.content, message_id: event.message_id, ...common };
}

/** What a question's tool would keep is known once the tools have been looked for; a slow server holds up nobody who looks. */
async function toolsSoon(session: LivingSession, parts: RuntimeParts): Promise<void> {
  let cancel: () => void = () => undefined;
  const enough = new Promise<void>((resolve) => (cancel = parts.clock.after(toolsWaitMs, resolve)));
  await Promise.race([alwaysAllowed(session, parts), enough]);
  cancel();
}
