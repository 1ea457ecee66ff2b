import { forkEvents } from "../domain/session/fork.ts";
import { sessionSettings } from "../domain/session/settings.ts";
import type { SessionState } from "../domain/session/state.ts";
import type { DeletedSpending } from "../schema/deleted-spending.ts";
import type { SessionId } from "../schema/ids.ts";
import { DuragentError } from "../schema/problem.ts";
import type { DraftOf, EventDraft } from "../schema/session-event.ts";
import type { LoadedAgent } from "./agents/catalog-types.ts";
import { payerOf } from "./limits/budgets.ts";
import type { LivingSession } from "./living-session.ts";
import type { CreateSession, Sessions, SessionView } from "./runtime.ts";
import { enter } from "./session-commands.ts";
import type { SessionRegistry } from "./session-registry.ts";

/** How long a session that is to be deleted gets to end by itself. */
const deleteGraceMs = 15_000;

type Lifecycle = Pick<Sessions, "create" | "fork" | "delete" | "verify" | "repair">;

/** Told when a session is deleted. */
type Deletion = {
  /** The last moment at which its log can be read. What throws here keeps it. */
  beforeLogGoes(session: LivingSession): Promise<void>;
  logGone(session: LivingSession): void;
};

/** How sessions come to be and go. */
export function sessionLifecycle(
  registry: SessionRegistry,
  view: (session: LivingSession) => SessionView,
  deletion: Deletion,
): Lifecycle {
  const { parts } = registry;
  const { store, clock, catalog } = parts;
  const timestamp = (): string => new Date(clock.now()).toISOString();

  const make = async (
    id: SessionId,
    events: EventDraft[],
    key: { key: string; digest: string } | undefined,
  ): Promise<{ session: SessionView; created: boolean }> => {
    if (registry.draining)
      throw new DuragentError("shutting-down", "the server is shutting down; try again", { retryAfterMs: 1_000 });
    const made = await store.create(
      id,
      events.map((event) => parts.redact(event)),
      key,
    );
    if (made.kind === "created") {
      await made.durable;
      return { session: await registry.with(id, async (session) => view(session)), created: true };
    }
    if (made.digest !== key?.digest)
      throw new DuragentError("conflict", "this idempotency key was used before, with another content");
    return { session: await registry.with(made.sessionId, async (session) => view(session)), created: false };
  };

  const keyOf = (key: string | undefined, content: unknown): { key: string; digest: string } | undefined =>
    key === undefined ? undefined : { key, digest: parts.digest(JSON.stringify(content)) };

  return {
    async create(command) {
      const agent = await agentFor(command);
      const id = command.sessionId ?? (`session_${clock.ulid()}` as SessionId);
      const { onDisconnect } = sessionSettings(
        agent.definition.spec.session,
        parts.settings().session,
        command.onDisconnect,
      );
      const start: DraftOf<"session_start"> = {
        timestamp: timestamp(),
        type: "session_start",
        format: 1,
        session_id: id,
        agent: agent.name,
        on_disconnect: onDisconnect,
        gateway: command.gateway?.name,
        gateway_chat_id: command.gateway?.chatId,
        gateway_chat_type: command.gateway?.chatType,
        labels: command.labels,
        agent_spec: command.agentSpec === undefined ? undefined : (command.agentSpec as null),
      };
      const { idempotencyKey, ...content } = command;
      return make(id, [start], keyOf(idempotencyKey, content));
    },

    async fork(id, { atSeq, idempotencyKey }) {
      const events = await Array.fromAsync(store.read(id));
      const head = events.at(-1)?.seq ?? 0;
      if (atSeq !== undefined && atSeq > head)
        throw new DuragentError("bad-request", `at_seq ${atSeq} lies after the session's last event, ${head}`);
      const sessionId = `session_${clock.ulid()}` as SessionId;
      const drafts = forkEvents(events, { sessionId, timestamp: timestamp(), atSeq: atSeq ?? head });
      return make(sessionId, drafts, keyOf(idempotencyKey, { fork: id, atSeq: atSeq ?? null }));
    },

    async delete(id) {
      const session = await registry.get(id);
      if (!session.log.problem && !session.log.failure) await endNow(session);
      await registry.abandon(session);
      parts.sessionEnded?.(id);
      await deletion.beforeLogGoes(session);
      // Before the log: once that is gone, nobody knows any more that they are to go.
      await parts.artifacts.deleteOfSession(session.log.durable.agent, id);
      await store.delete(id, spentBy(session.log.durable));
      deletion.logGone(session);
    },

    verify: (id) => store.verify(id),

    async repair(id, options) {
      const living = registry.peek(id);
      if (living && options.apply) {
        await living.runner;
        await registry.close(living);
      }
      const report = await store.repair(id, options);
      if (!options.apply) return report;
      // Somebody may have looked at it before the repair began.
      const stale = registry.peek(id);
      if (stale) await registry.close(stale);
      await registry.get(id);
      return report;
    },
  };

  async function agentFor(command: CreateSession): Promise<LoadedAgent> {
    if (command.agentSpec !== undefined) return catalog.inline(command.agentSpec);
    const name = command.agent ?? "";
    const agent = await catalog.get(name);
    if (agent) return agent;
    const invalid = catalog.invalid().find((one) => one.name === name);
    const hint = invalid ? `it is invalid: ${invalid.errors[0]?.message ?? ""}` : `known are: ${known(catalog.list())}`;
    throw new DuragentError("agent-not-found", `agent '${name}' not found; ${hint}`);
  }

  /** Asks for the end, gives up what is still to be sent, and waits until the engine has closed everything. */
  async function endNow(session: LivingSession): Promise<void> {
    if (session.log.durable.ended) return;
    await enter(registry, session, {
      type: "control",
      timestamp: timestamp(),
      action: "end",
      by: "delete",
      attached: false,
    });
    for (const send of session.tail.sends)
      await enter(registry, session, {
        type: "record_delivery",
        timestamp: timestamp(),
        requestId: send.request_id,
        status: "failed",
        error: "the session was deleted",
      });
    const until = clock.monotonic() + deleteGraceMs;
    while (!session.log.durable.ended && !session.closed && clock.monotonic() < until)
      await new Promise<void>((resolve) => {
        const unlisten = session.feed.listen(done);
        const cancel = clock.after(Math.max(1, until - clock.monotonic()), done);
        function done(): void {
          unlisten();
          cancel();
          resolve();
        }
      });
  }
}

/** What goes on counting against the budgets of a day when the log is gone. */
const spentBy = (state: SessionState): DeletedSpending | undefined =>
  state.spending.days.length === 0
    ? undefined
    : { agent: payerOf(state), days: state.spending.days.map(({ day, costs }) => ({ day, costs: { ...costs } })) };

const known = (agents: { name: string }[]): string => agents.map((agent) => agent.name).join(", ") || "none";
