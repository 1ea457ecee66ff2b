import type { Appended, Lease } from "../ports/session-store.ts";
import type { Tool } from "../ports/tool.ts";
import { reminders, withReminders } from "../domain/hooks/reminders.ts";
import { unknownOutcome } from "../domain/session/conversation.ts";
import type { CallState, TurnState } from "../domain/session/state.ts";
import type { DraftOf, ToolResult } from "../schema/session-event.ts";
import type { LivingSession } from "./living-session.ts";
import type { RuntimeParts } from "./parts.ts";
import { toolSession } from "./tool-session.ts";
import { whileRunning } from "./while-running.ts";

/** A tool that does not stop when it is told to is given up on after this. */
const stopGraceMs = 10_000;

type ToolStep =
  | { type: "run_tools"; calls: CallState[] }
  | { type: "recover_tool"; calls: CallState[]; how: "rerun" | "resume" };

type Started = { state: CallState; tool: Tool; attempt: number; key: string };

/**
 * Runs calls side by side. Each `tool_start` is durable before its tool runs; each result enters the log as it comes.
 * A call that fits no tool is answered at once, without a start.
 */
export async function performTools(
  session: LivingSession,
  lease: Lease,
  parts: RuntimeParts,
  step: ToolStep,
): Promise<Appended | null> {
  const { turn } = session.tail;
  if (!turn) return null;
  const unfit = step.calls.flatMap((state) => unfitResult(session, state));
  if (unfit.length > 0) {
    const drafts = unfit.map(({ state, result }) => resultEvent(parts, turn, state, result, 0));
    return session.log.append(drafts, { lease, expectedHead: session.tail.seq });
  }
  const started = step.calls.flatMap((state) => startOf(session, turn, state));
  const appended = await session.log.append(
    started.map(({ state, attempt, key }) => ({
      timestamp: timestamp(parts),
      turn_id: turn.id,
      type: "tool_start" as const,
      call_id: state.call.call_id,
      tool_name: state.call.tool_name,
      attempt,
      idempotency_key: key,
    })),
    { lease, expectedHead: session.tail.seq },
  );
  if (appended.kind !== "appended") return appended;
  await appended.durable;
  const resume = step.type === "recover_tool" && step.how === "resume";
  await whileRunning(session, lease, parts, { type: step.type }, async (signal) => {
    await Promise.all(started.map((call) => runOne(session, lease, parts, { turn, call, signal, resume })));
  });
  return null;
}

type Running = { turn: TurnState; call: Started; signal: AbortSignal; resume: boolean };

async function runOne(session: LivingSession, lease: Lease, parts: RuntimeParts, running: Running): Promise<void> {
  const { turn, call, signal } = running;
  const tools = session.inForce?.tools;
  const from = parts.clock.monotonic();
  const result = await untilStopped(parts, signal, invoke(session, lease, parts, running));
  // Lost to another worker, or the server stops: what became of the call is not for this process to say.
  if (result === null || signal.reason === "lost") return;
  const durationMs = Math.round(parts.clock.monotonic() - from);
  const name = call.state.call.tool_name;
  parts.metrics.add("duragent_tool_calls_total", { tool: name, outcome: result.outcome });
  const said = session.inForce ? reminders(session.inForce.hooks, call.state.call, result) : [];
  const told = resultEvent(parts, turn, call.state, withReminders(result, said), durationMs);
  const appended = await session.log.append([told], { lease });
  if (appended.kind === "appended") tools?.ran(call.tool, call.state.call, { sessionId: session.id, result });
}

async function invoke(
  session: LivingSession,
  lease: Lease,
  parts: RuntimeParts,
  { turn, call, signal, resume }: Running,
): Promise<ToolResult> {
  const { tool, state } = call;
  let offset = 0;
  const redactor = parts.redactText();
  const show = (content: string): void => {
    if (content === "") return;
    session.feed.add("tool_output", session.log.durable.seq, {
      turn_id: turn.id,
      call_id: state.call.call_id,
      content,
      offset,
    });
    offset += content.length;
  };
  const context = {
    sessionId: session.id,
    agent: session.tail.agent,
    callId: state.call.call_id,
    idempotencyKey: call.key,
    attempt: call.attempt,
    signal,
    onOutput: (text: string) => show(redactor.push(text)),
    session: toolSession(session, lease, parts, { callId: state.call.call_id, turnId: turn.id }),
  };
  try {
    // Cancelled while its start was being made durable.
    if (signal.aborted) return stopped(String(signal.reason));
    const found = resume && tool.resume ? await tool.resume(state.call, context) : null;
    if (found) return found;
    // Its record is gone, as that of a process that ended long ago: that it has run is known all the same.
    if (resume && hasStartedProcess(session, turn, state)) return lostRun;
    return await tool.run(state.call, context);
  } catch (error) {
    if (signal.aborted) return stopped(String(signal.reason));
    parts.log.error({ session_id: session.id, tool: tool.definition.name, err: error }, "a tool failed unexpectedly");
    const message = error instanceof Error ? error.message : String(error);
    return { success: false, outcome: "error", content: `The tool failed: ${message}` };
  } finally {
    show(redactor.end());
  }
}

const earlierRun = "An earlier run of this call was interrupted and may have taken effect.";
const lostRun: ToolResult = { success: false, outcome: "interrupted", content: unknownOutcome };

// Since the response: a provider may give the same id to another call.
const hasStartedProcess = ({ log }: LivingSession, { lastResponse }: TurnState, { call }: CallState): boolean =>
  log.history.some(
    (event) =>
      event.type === "process_started" && event.call_id === call.call_id && event.seq > (lastResponse?.seq ?? 0),
  );

/** A tool's own result, or, some time after it was told to stop and did not, ours; `null` when the server stops. */
async function untilStopped(
  parts: RuntimeParts,
  signal: AbortSignal,
  result: Promise<ToolResult>,
): Promise<ToolResult | null> {
  let cancel: () => void = () => undefined;
  const givenUp = new Promise<ToolResult>((resolve) => {
    const wait = (): void => {
      cancel = parts.clock.after(stopGraceMs, () => resolve(stopped(String(signal.reason))));
    };
    if (signal.aborted) wait();
    else signal.addEventListener("abort", wait, { once: true });
    void result.finally(() => signal.removeEventListener("abort", wait)).catch(() => undefined);
  });
  try {
    const first = await Promise.race([result, givenUp]);
    return signal.reason === "drain" ? null : first;
  } finally {
    cancel();
  }
}

function stopped(reason: string): ToolResult {
  if (reason === "turn_limit")
    return {
      success: false,
      outcome: "timeout",
      content: "Stopped: the turn's time was used up. It may have taken effect.",
    };
  return {
    success: false,
    outcome: "cancelled",
    content: `Cancelled while it ran (${reason}). It may have taken effect.`,
  };
}

function startOf(session: LivingSession, turn: TurnState, state: CallState): Started[] {
  const tool = toolOf(session, state);
  if (!tool) return [];
  const key = state.idempotencyKey ?? `${session.id}.${turn.lastResponse?.seq ?? 0}.${state.call.call_id}`;
  return [{ state, tool, attempt: state.attempt + 1, key }];
}

const toolOf = (session: LivingSession, state: CallState): Tool | undefined =>
  session.inForce?.tools.tools.find((tool) => tool.definition.name === state.call.tool_name);

function unfitResult(session: LivingSession, state: CallState): { state: CallState; result: ToolResult }[] {
  const ranBefore = state.attempt > 0 ? ` ${earlierRun}` : "";
  const fail = (why: string) => [
    { state, result: { success: false, outcome: "error" as const, content: `${why}${ranBefore}` } },
  ];
  const { tool_name: name, arguments: given } = state.call;
  if (!toolOf(session, state)) return fail(session.inForce?.tools.missing(name) ?? `There is no tool ${name}.`);
  if (typeof given === "string")
    return fail(`The arguments are not valid JSON, so nothing was run: ${given.slice(0, 200)}`);
  if (given === null || typeof given !== "object" || Array.isArray(given))
    return fail("The arguments must be a JSON object, so nothing was run.");
  const fault = toolOf(session, state)?.fault(state.call) ?? null;
  return fault === null ? [] : fail(fault);
}

function resultEvent(
  parts: RuntimeParts,
  turn: TurnState,
  state: CallState,
  result: ToolResult,
  durationMs: number,
): DraftOf<"tool_result"> {
  return {
    timestamp: timestamp(parts),
    turn_id: turn.id,
    type: "tool_result",
    call_id: state.call.call_id,
    result,
    duration_ms: durationMs,
  };
}

const timestamp = (parts: RuntimeParts): string => new Date(parts.clock.now()).toISOString();
