import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import type { SessionEvent } from "../../src/schema/session-event.ts";
import { ask } from "../support/http-harness.ts";
import { runProgram, ServerProcess } from "../support/server-process.ts";
import { until } from "../support/until.ts";

const msPerDay = 86_400_000;

// Eight tokens of output, which cost a cent; after each result the model calls again.
const call = { name: "nope", arguments: {} };
const script = {
  rules: [
    { when: ".*", tool: call },
    { after_tool: "nope", tool: call },
  ],
  delay: { first_token_ms: 30 },
};
const agent = {
  name: "looper",
  model: { provider: "scripted", name: "./script.yaml" },
  session: { on_disconnect: "continue", max_tool_iterations: 0 },
  limits: { budget: { per_session_usd: 0.05 }, prices: { "scripted/./script.yaml": { input: 0, output: 1250 } } },
};

async function begin(server: ServerProcess): Promise<string> {
  const created = await ask(server.place, { path: "/api/v1/sessions", json: { agent: "looper" } });
  const id: string = created.json.session_id;
  const path = `/api/v1/sessions/${id}/messages`;
  const sent = await ask(server.place, { path, json: { content: "go" }, headers: { prefer: "respond-async" } });
  assert.equal(sent.status, 202);
  return id;
}

async function eventsOf(server: ServerProcess, id: string): Promise<SessionEvent[]> {
  return (await ask(server.place, { path: `/api/v1/sessions/${id}/events` })).json.events;
}

const responses = (events: readonly SessionEvent[]) => events.filter((event) => event.type === "assistant_response");
const endOf = (events: readonly SessionEvent[]) => events.find((event) => event.type === "turn_end");

async function untilEnded(server: ServerProcess, id: string): Promise<SessionEvent[]> {
  await until("the turn ends", async () => endOf(await eventsOf(server, id)) !== undefined);
  return eventsOf(server, id);
}

test("a looping agent is stopped at the cent by its session's budget and by the day's, whatever is killed", async (t) => {
  // What this test sums up is of one day.
  const leftMs = msPerDay - (Date.now() % msPerDay);
  if (leftMs < 60_000) await sleep(leftMs);
  const server = await ServerProcess.start(t, {
    config: "limits: { budget: { per_day_usd: 0.08 } }",
    files: { "agents/looper/agent.yaml": JSON.stringify(agent), "agents/looper/script.yaml": JSON.stringify(script) },
  });
  const first = await begin(server);
  await until("two calls", async () => responses(await eventsOf(server, first)).length >= 2);
  await server.kill9();
  await server.start();
  const stopped = await untilEnded(server, first);
  assert.equal(responses(stopped).length, 5);
  const end = endOf(stopped);
  assert.equal(end?.type === "turn_end" && end.outcome, "limit_reached");
  assert.match(
    end?.type === "turn_end" ? (end.notice ?? "") : "",
    /this session has spent \$0\.0500 of its \$0\.05 \(limits\.budget\.per_session_usd of agent\.yaml\)/,
  );

  const second = await begin(server);
  await until("a call", async () => responses(await eventsOf(server, second)).length >= 1);
  await server.kill9();
  await server.start();
  const stoppedToo = await untilEnded(server, second);
  assert.equal(responses(stoppedToo).length, 3);
  assert.match(
    JSON.stringify(endOf(stoppedToo)),
    /all sessions together have spent \$0\.0800 of their \$0\.08 for today/,
  );

  assert.equal((await ask(server.place, { method: "DELETE", path: `/api/v1/sessions/${first}` })).status, 204);
  await server.kill9();
  await server.start();
  const third = await begin(server);
  assert.equal(responses(await untilEnded(server, third)).length, 0);
  const shown = await ask(server.place, { path: `/api/v1/sessions/${third}` });
  assert.deepEqual(shown.json.budgets, [
    { scope: "session", level: "agent", name: "looper", limit: 0.05, spent: 0, unit: "usd" },
    { scope: "day", level: "server", limit: 0.08, spent: 0.08, unit: "usd" },
  ]);
  const { stdout } = await runProgram(server, ["session", "show", third]);
  assert.match(stdout, /^budget +\$0\.0800 of \$0\.08 a day \(server\)$/m);
  const metrics = (await ask(server.place, { path: "/metrics" })).text;
  assert.match(metrics, /^duragent_spent_today_usd\{level="server",name=""\} 0\.08$/m);
  assert.match(metrics, /^duragent_spent_today_usd\{level="agent",name="looper"\} 0\.08$/m);
  assert.match(metrics, /^duragent_budget_per_day_usd\{level="server",name=""\} 0\.08$/m);
});
