import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";

import type { SessionEvent } from "../../src/schema/session-event.ts";
import { ask, type Told } from "../support/http-harness.ts";
import { ServerProcess, type ServerOptions } from "../support/server-process.ts";
import { StreamClient } from "../support/stream-client.ts";
import { until } from "../support/until.ts";

export type Acting = {
  /** Of agent.yaml. */
  spec?: Record<string, unknown>;
  policy?: Record<string, unknown>;
  rules?: Record<string, unknown>[];
  config?: string;
};

const runRules = [
  { when: "^run: (.+)$", tool: { name: "bash", arguments: { command: "{{1}}" } } },
  { after_tool: "bash", say: "It says: {{result}}" },
  { when: ".*", say: "heard {{input}}" },
];

/** An agent `doer` that runs with bash what it is told to. */
export function doer({ spec = {}, policy, rules = runRules, config = "" }: Acting = {}): ServerOptions {
  const agent = {
    apiVersion: "duragent/v1alpha1",
    kind: "Agent",
    metadata: { name: "doer" },
    spec: {
      model: { provider: "scripted", name: "./script.yaml" },
      session: { on_disconnect: "continue" },
      tools: [{ type: "builtin", name: "bash" }],
      ...spec,
    },
  };
  return {
    config,
    files: {
      "agents/doer/agent.yaml": JSON.stringify(agent),
      "agents/doer/script.yaml": JSON.stringify({ rules }),
      ...(policy === undefined ? {} : { "agents/doer/policy.yaml": JSON.stringify(policy) }),
    },
  };
}

/** A session of `doer` on a real server, spoken to over real HTTP. */
export class DoerSession {
  readonly server: ServerProcess;
  readonly id: string;

  private constructor(server: ServerProcess, id: string) {
    this.server = server;
    this.id = id;
  }

  static async start(test: TestContext, acting: Acting = {}): Promise<DoerSession> {
    return DoerSession.on(await ServerProcess.start(test, doer(acting)));
  }

  /** A new session on a server that runs. */
  static async on(server: ServerProcess): Promise<DoerSession> {
    const made = await ask(server.place, { path: "/api/v1/sessions", json: { agent: "doer" } });
    assert.equal(made.status, 201, made.text);
    return new DoerSession(server, String(made.json.session_id));
  }

  post(path: string, json: unknown, headers: Record<string, string> = {}): Promise<Told> {
    return ask(this.server.place, { method: "POST", path: `/api/v1/sessions/${this.id}${path}`, json, headers });
  }

  /** Leaves a message without waiting for its turn. */
  async leave(content: string): Promise<void> {
    const left = await this.post("/messages", { content }, { prefer: "respond-async" });
    assert.equal(left.status, 202, left.text);
  }

  async pending(): Promise<Record<string, string>[]> {
    return (await ask(this.server.place, { path: `/api/v1/sessions/${this.id}` })).json.pending_approvals;
  }

  /** The question that waits, once there is one. */
  async question(): Promise<Record<string, string>> {
    await until("a question", async () => (await this.pending()).length > 0);
    return (await this.pending())[0] ?? {};
  }

  /** All events, once the turns so far have ended `times` times. */
  async afterTurns(times: number): Promise<SessionEvent[]> {
    const client = new StreamClient(this.id, { attach: false });
    await client.connect(this.server.place);
    await client.untilType("turn_end", times);
    client.cut();
    return client.durable;
  }

  async restart(): Promise<void> {
    await this.server.kill9();
    await this.server.start();
  }

  /** A file that the agent wrote in its workspace; empty while it is missing. */
  async written(name: string): Promise<string> {
    return readFile(join(this.server.dataDir, "workspace", "doer", name), "utf8").catch(() => "");
  }
}

export function eventsOf<Type extends SessionEvent["type"]>(
  events: readonly SessionEvent[],
  type: Type,
): Extract<SessionEvent, { type: Type }>[] {
  return events.filter((event): event is Extract<SessionEvent, { type: Type }> => event.type === type);
}
