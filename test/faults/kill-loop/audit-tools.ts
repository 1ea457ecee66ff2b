import { readFile } from "node:fs/promises";
import { join } from "node:path";

import type { EventOf, SessionEvent } from "../../../src/schema/session-event.ts";
import { eventsOf } from "../../scenarios/acting-agents.ts";
import type { Ledger } from "./ledger.ts";
import { deeds } from "./tool-client.ts";

type Call = {
  word: string;
  starts: EventOf<"tool_start">[];
  results: EventOf<"tool_result">[];
  decisions: EventOf<"approval_decision">[];
};

/** Compares what tools have done to files with what the logs say of their calls. The number of deeds. */
export async function auditTools(
  ledger: Ledger,
  logs: ReadonlyMap<string, readonly SessionEvent[]>,
  workspace: string,
): Promise<number> {
  const calls = [...logs.values()].flatMap(callsOf);
  const known = new Set<string>();
  let count = 0;
  for (const file of deeds) {
    const lines = await linesOf(join(workspace, file));
    count += lines.length;
    for (const call of calls.filter(({ word }) => word.startsWith(`${file} `))) {
      const written = file === "keep" ? call.starts[0]?.idempotency_key : call.word.slice(file.length + 1);
      if (written !== undefined) known.add(written);
      auditCall(ledger, call, { file, times: lines.filter((line) => line === written).length });
    }
    for (const line of lines) if (!known.has(line)) ledger.fault("phantom", `${line} in ${file}`);
  }
  return count;
}

function auditCall(ledger: Ledger, call: Call, { file, times }: { file: string; times: number }): void {
  const { word, starts, results, decisions } = call;
  const keys = new Set(starts.map((start) => start.idempotency_key));
  if (keys.size > 1) ledger.fault("duplicated", `${word} ran with ${keys.size} keys`);
  if (results.length !== 1) ledger.fault("unanswered", `${word} has ${results.length} results`);
  if (results[0]?.result.success === true && times === 0) ledger.fault("lost", `${word} is done and left nothing`);
  const timesMax = file === "keep" ? starts.length : Math.min(1, starts.length);
  if (times > timesMax) ledger.fault("duplicated", `${word} was done ${times} times in ${starts.length} starts`);
  if (file !== "ask") return;
  const allowed = decisions.filter(({ decision }) => decision !== "deny").length;
  if (decisions.length > 1) ledger.fault("duplicated", `${word} was decided ${decisions.length} times`);
  if (allowed > 0 && !ledger.allowed.has(word)) ledger.fault("phantom", `nobody has allowed ${word}`);
  if (times > allowed) ledger.fault("phantom", `${word} was done, allowed ${allowed} times`);
}

/** The calls of a session, each with the message that it was made for. */
function callsOf(log: readonly SessionEvent[]): Call[] {
  const messages = new Map(eventsOf(log, "user_message").map((event) => [event.message_id, event.content]));
  const words = new Map(
    eventsOf(log, "turn_start").map((event) => [
      event.turn_id,
      messages.get(event.message_ids[0] ?? ("" as never)) ?? "",
    ]),
  );
  return eventsOf(log, "assistant_response").flatMap(({ turn_id: turnId, tool_calls: made = [] }) =>
    made.map(({ call_id: callId }) => {
      const about = log.filter((event) => "call_id" in event && event.call_id === callId);
      return {
        word: words.get(turnId) ?? "",
        starts: eventsOf(about, "tool_start"),
        results: eventsOf(about, "tool_result"),
        decisions: eventsOf(about, "approval_decision"),
      };
    }),
  );
}

async function linesOf(path: string): Promise<string[]> {
  const text = await readFile(path, "utf8").catch(() => "");
  return text.split("\n").filter((line) => line !== "");
}
