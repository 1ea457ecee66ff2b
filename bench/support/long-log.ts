import { appendFile } from "node:fs/promises";

import { createSystemClock } from "../../src/adapters/clock/system.ts";
import { sealLine, seedOf } from "../../src/adapters/stores/sessions/files/line.ts";

const clock = createSystemClock();
const answer = Array.from({ length: 50 }, (_, n) => `word${n}`).join(" ");

/** Appends turns, of four events each, to the log of a session whose last event is `afterSeq`; the last `seq` written. */
export async function appendTurns(
  log: string,
  id: string,
  { afterSeq, turns }: { afterSeq: number; turns: number },
): Promise<number> {
  const seed = seedOf(id);
  const lines: string[] = [];
  let seq = afterSeq;
  const add = (event: object): void => {
    seq += 1;
    const timestamp = new Date(clock.now()).toISOString();
    lines.push(sealLine(JSON.stringify({ seq, timestamp, ...event }).slice(0, -1), true, seed).text);
  };
  for (let turn = 1; turn <= turns; turn += 1) {
    const asked = `msg_${clock.ulid()}`;
    const inTurn = { turn_id: `turn_${clock.ulid()}`, epoch: 1 };
    const usage = { prompt_tokens: 10, completion_tokens: 50, total_tokens: 60 };
    add({ type: "user_message", message_id: asked, content: `message ${turn}`, source: "http", delivery: "steer" });
    add({ type: "turn_start", ...inTurn, message_ids: [asked], agent_digest: "0".repeat(64) });
    add({
      type: "assistant_response",
      ...inTurn,
      agent: "bench",
      content: answer,
      usage,
      message_id: `msg_${clock.ulid()}`,
      through_seq: seq,
      model: "mock",
      provider: "bench",
      stop_reason: "end",
      request_digest: "0".repeat(64),
      estimated_tokens: 100,
      latency_ms: 1,
      first_token_ms: 1,
      attempts: 1,
    });
    add({ type: "turn_end", ...inTurn, outcome: "completed", usage });
  }
  await appendFile(log, lines.join(""));
  return seq;
}
