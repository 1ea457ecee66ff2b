import type { Appended, Lease } from "../ports/session-store.ts";
import { hooksInForce } from "../domain/hooks/hooks.ts";
import { sessionSettings } from "../domain/session/settings.ts";
import type { MessageId, TurnId } from "../schema/ids.ts";
import { DuragentError } from "../schema/problem.ts";
import type { SessionState } from "../domain/session/state.ts";
import type { Step } from "../domain/session/step.ts";
import type { AgentCatalog, LoadedAgent } from "./agents/catalog-types.ts";
import type { LivingSession } from "./living-session.ts";
import type { RuntimeParts } from "./parts.ts";

const noAgent = "none";

/** The version that the open turn started with; without one, the newest of the session's agent. */
export async function resolveAgent(session: LivingSession, parts: RuntimeParts): Promise<void> {
  const { turn } = session.tail;
  if (turn && session.inForce?.agent.digest === turn.agentDigest) return;
  const agent = turn ? await versionOf(session, parts, turn.agentDigest) : await newestAgent(session, parts);
  session.agentMissing = agent ? null : missingText(session, turn !== null);
  session.inForce = agent ? inForce(session, parts, agent) : null;
  session.feed.resize(session.settings().outputBufferSize);
}

/** The definition that a new turn of this session would use. Throws nothing: `undefined` when there is none. */
export async function newestAgent(session: LivingSession, parts: RuntimeParts): Promise<LoadedAgent | undefined> {
  const declared = await declaredAgent(session.tail, parts.catalog);
  return declared ?? (session.tail.agentSpec === undefined ? lastUsed(session, parts) : undefined);
}

/** The definition that came with the session, else the agent of its name; `undefined` where it is not valid now. */
export async function declaredAgent(
  { agent, agentSpec }: SessionState,
  catalog: AgentCatalog,
): Promise<LoadedAgent | undefined> {
  if (agentSpec === undefined) return catalog.get(agent);
  try {
    return catalog.inline(agentSpec);
  } catch (error) {
    if (error instanceof DuragentError) return undefined;
    throw error;
  }
}

/** An agent that was removed: a session that has worked with it goes on with the version of its last turn. */
async function lastUsed(session: LivingSession, parts: RuntimeParts): Promise<LoadedAgent | undefined> {
  const last = session.log.kept.durable().findLast((event) => event.type === "turn_start");
  const digest = last?.type === "turn_start" ? last.agent_digest : "";
  // A fork's turns are copies: they name no version.
  return digest === "" || digest === noAgent ? undefined : parts.catalog.version(digest);
}

/** Takes messages in: the agent's version is kept durably before the log names it. */
export async function startTurn(
  session: LivingSession,
  lease: Lease,
  parts: RuntimeParts,
  { messageIds, contextFrom }: Extract<Step, { type: "start_turn" }>,
): Promise<Appended> {
  const head = session.tail.seq;
  // What was let go of can not be shown; that the log says so keeps the request the same after a restart.
  const context = contextFrom === null ? undefined : keptFrom(session, contextFrom);
  const notes = await changedNotes(session, parts);
  const agent = await newestAgent(session, parts);
  if (agent) await parts.catalog.keep(agent);
  session.inForce = agent ? inForce(session, parts, agent) : null;
  session.agentMissing = agent ? null : missingText(session, false);
  const turnId = `turn_${parts.clock.ulid()}` as TurnId;
  return session.log.append(
    [
      {
        timestamp: new Date(parts.clock.now()).toISOString(),
        type: "turn_start",
        turn_id: turnId,
        message_ids: messageIds,
        agent_digest: agent?.digest ?? noAgent,
        trace_id: traceOf(session, messageIds),
        notes,
        context_from: context,
      },
    ],
    { lease, expectedHead: head },
  );
}

/** The first of the group's messages from `seq` on that memory still has. */
const keptFrom = ({ log }: LivingSession, seq: number): number | undefined =>
  log.history.find((event) => event.type === "silent_message" && event.context && event.seq >= seq)?.seq;

/**
 * The working notes, where they are others than the log says. They are in the log because a turn keeps those that it
 * started with: after a crash its next request is built the same, whatever the turn has written meanwhile.
 */
async function changedNotes(session: LivingSession, parts: RuntimeParts): Promise<string | undefined> {
  const known = session.tail.notes ?? "";
  try {
    const notes = parts.redact((await parts.notesOf?.(session.id)) ?? "");
    return notes === known ? undefined : notes;
  } catch (error) {
    // A turn that has older notes is of more use than none.
    parts.log.warn({ session_id: session.id, err: error }, "the working notes could not be read");
    return undefined;
  }
}

/** The trace of the newest request that brought one of the messages. */
function traceOf(session: LivingSession, messageIds: MessageId[]): string | undefined {
  return messageIds.map((id) => session.traces.get(id)).findLast((trace) => trace !== undefined);
}

function inForce(session: LivingSession, parts: RuntimeParts, agent: LoadedAgent): LivingSession["inForce"] {
  const settings = sessionSettings(agent.definition.spec.session, parts.settings().session, session.tail.onDisconnect);
  return { agent, tools: parts.toolsOf(agent), settings, hooks: hooksInForce(agent.definition.spec.hooks) };
}

async function versionOf(
  session: LivingSession,
  parts: RuntimeParts,
  digest: string,
): Promise<LoadedAgent | undefined> {
  if (digest === noAgent) return undefined;
  const kept = await parts.catalog.version(digest);
  if (kept) return kept;
  // The version was never kept (another implementation's data): the newest is the nearest.
  return newestAgent(session, parts);
}

const missingText = (session: LivingSession, inTurn: boolean): string =>
  inTurn
    ? `the agent ${session.tail.agent} as this turn started with it can not be read`
    : `there is no valid agent ${session.tail.agent}; see: duragent doctor`;
