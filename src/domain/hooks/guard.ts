import type { SessionEvent, ToolCall, ToolResult } from "../../schema/session-event.ts";
import type { Hooks } from "./hooks.ts";
import { matchesExactly } from "../policy/pattern.ts";
import { argumentOf, equalJson, invocationOf } from "./match-call.ts";

/** How the model is told of a call that a hook has stopped. */
export const guardPrefix = "Hook guard: ";

/** A call of the same turn, and what came of it. */
export type EarlierCall = { call: ToolCall; result: ToolResult };

/**
 * Why a call is not made: what it depends on was not done in this turn, or it was done just so already. `null`: it may be.
 * Only calls that succeeded count. `earlier` is asked for only where a hook fits.
 */
export function guard(
  { before_tool: hooks }: Hooks,
  call: ToolCall,
  earlier: () => readonly EarlierCall[],
): string | null {
  const invocation = invocationOf(call);
  for (const hook of hooks) {
    if (!matchesExactly(hook.match, invocation)) continue;
    const isDone = (fitting: (other: string) => boolean, names: readonly string[]): boolean =>
      earlier().some(
        ({ call: other, result }) =>
          result.success &&
          fitting(invocationOf(other)) &&
          names.every((name) => equalJson(argumentOf(other, name), argumentOf(call, name))),
      );
    if (hook.type === "depends_on") {
      const { prior, match_arg: name } = hook;
      if (prior === undefined || isDone((other) => matchesExactly(prior, other), name === undefined ? [] : [name]))
        continue;
      const same = name === undefined ? "" : ` with the same ${name}`;
      return `${guardPrefix}${invocation} needs a ${prior}${same} before it in this turn. Do that first, then decide anew.`;
    }
    const names = hook.match_args;
    if (names.length === 0 || !isDone((other) => other === invocation, names)) continue;
    return `${guardPrefix}${invocation} was done in this turn already with the same ${names.join(", ")}. Use that result.`;
  }
  return null;
}

/** What the open turn's calls came to; `events` hold the turn, from `startSeq` on. */
export function callsOfTurn(events: readonly SessionEvent[], startSeq: number): EarlierCall[] {
  const from = events.findLastIndex((event) => event.seq <= startSeq);
  const calls = new Map<string, ToolCall>();
  const done: EarlierCall[] = [];
  for (const event of events.slice(Math.max(0, from))) {
    if (event.type === "assistant_response") for (const call of event.tool_calls ?? []) calls.set(call.call_id, call);
    if (event.type !== "tool_result") continue;
    const call = calls.get(event.call_id);
    if (call) done.push({ call, result: event.result });
  }
  return done;
}
