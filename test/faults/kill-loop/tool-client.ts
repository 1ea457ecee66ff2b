import { ask } from "../../support/http-harness.ts";
import { createSession, givenUp } from "./load-client.ts";
import type { Submission, Told } from "./ledger.ts";
import type { World } from "./world.ts";

/** What a message asks of the agent; the word after it is like no other's. */
export const deeds = ["write", "keep", "ask"] as const;

/** Each deed leaves a line in the file of its name. The naps are where a kill finds the deed half done. */
const done = (line: string, file: (typeof deeds)[number]): string => `sleep 0.02; ${line} >> ${file}; sleep 0.03`;

const spec = {
  model: { provider: "scripted", name: "./script.yaml" },
  session: { on_disconnect: "continue" },
  tools: [
    { type: "builtin", name: "bash" },
    { type: "cli", name: "keep", command: done('echo "$DURAGENT_IDEMPOTENCY_KEY"', "keep"), effect: "idempotent" },
  ],
};
const bash = (command: string) => ({ name: "bash", arguments: { command } });
const rules = [
  { when: "^write (\\S+)", tool: bash(done("echo {{1}}", "write")) },
  { when: "^ask (\\S+)", tool: bash(done("printf '%s\\n' {{1}}", "ask")) },
  { when: "^keep (\\S+)", tool: { name: "keep", arguments: {} } },
  { when: ".*", say: "done: {{input}}" },
];

/** An agent `worker` that writes by an unsafe tool, by an idempotent one, and by one that somebody must allow. */
export const workerFiles: Readonly<Record<string, string>> = {
  "agents/worker/agent.yaml": JSON.stringify({
    apiVersion: "duragent/v1alpha1",
    kind: "Agent",
    metadata: { name: "worker" },
    spec,
  }),
  "agents/worker/script.yaml": JSON.stringify({ rules }),
  "agents/worker/policy.yaml": JSON.stringify({ mode: "allow", ask: ["bash:printf"] }),
};

/** Has one session to itself, so that nobody's message answers a question, and waits for each turn's end. */
export async function runToolClient(world: World): Promise<void> {
  const sessionId = await createSession(world, "worker");
  while (!world.isOver) {
    const key = world.name("message");
    const content = `${world.pick(deeds)} ${key}`;
    const submission: Submission = { sessionId, key, content, delivery: "steer", told: [] };
    world.ledger.submit(submission);
    const told = await world.persist((place) => send(world, place, submission));
    if (told) submission.told.push(told);
  }
}

type Place = { port: number };

async function send(world: World, place: Place, { sessionId, key, content }: Submission): Promise<Told | null> {
  const headers = { "idempotency-key": key };
  const path = `/api/v1/sessions/${sessionId}`;
  let reply = await ask(place, { path: `${path}/messages`, json: { content }, headers });
  if (reply.status === 202 && reply.json.status === "pending_approval") {
    const { call_id, approval_id, command } = reply.json;
    const decision = world.random() < 0.7 ? "allow_once" : "deny";
    if (decision === "allow_once") world.ledger.allowed.add(content);
    reply = await ask(place, { path: `${path}/approve`, json: { call_id, approval_id, command, decision } });
  }
  const { status, json, text } = reply;
  if (status === 200)
    return { kind: "answered", responseId: json.message_id, content: json.content, turnId: json.turn_id };
  if (json?.error_code === "repeated-crash") return givenUp(world);
  world.ledger.fault("unexpected", `${content}: ${status} ${text}`);
  return null;
}
