import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { ask } from "../support/http-harness.ts";
import { duragent, startProgram } from "../support/program.ts";
import { until } from "../support/until.ts";
import { doer, DoerSession, eventsOf, type Acting } from "./acting-agents.ts";
import { workspace } from "./workspaces.ts";

const spawning = (more: object = {}): Acting => ({
  spec: { tools: [{ type: "builtin", name: "background_process" }] },
  rules: [
    {
      when: "^spawn: (.+)$",
      tool: { name: "background_process", arguments: { action: "spawn", command: "{{1}}", ...more } },
    },
    { after_tool: "background_process", say: "It says: {{result}}" },
    { when: "Background Process Completed", say: "I see: {{input}}" },
    { when: ".*", say: "heard" },
  ],
  policy: { mode: "allow" },
});

const waiting = "echo x >> file; until [ -e go ]; do sleep 0.05; done; echo went; exit 3";

const records = (session: DoerSession) => recordsIn(session.server.dataDir);

const recordsIn = async (
  dataDir: string,
): Promise<{ command: string; status: { state: string }; reported: boolean }[]> => {
  const folder = join(dataDir, "processes");
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^[^.].*\.meta\.json$/.test(name));
  return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(folder, name), "utf8")) as never));
};

test("a process outlives the turn and a kill -9 of the server, and its end is a message that the model answers, once", async (t) => {
  const session = await DoerSession.start(t, spawning());
  await session.leave(`spawn: ${waiting}`);
  await session.afterTurns(1);
  await until("it has begun", async () => (await session.written("file")) !== "");
  await session.restart();
  await writeFile(join(session.server.dataDir, "workspace", "doer", "go"), "");
  const events = await session.afterTurns(2);
  assert.equal(await session.written("file"), "x\n");
  const handles = eventsOf(events, "process_started").map(({ handle }) => handle);
  const [end] = eventsOf(events, "process_ended");
  assert.deepEqual([handles.length, end?.handle, end?.exit_code], [1, handles[0], 3]);
  const told = eventsOf(events, "user_message").filter(({ source }) => source === `process:${handles[0]}`);
  assert.equal(told.length, 1);
  assert.match(told[0]?.content ?? "", /Exit code: 3\n.*\nwent/s);
  assert.match(eventsOf(events, "assistant_response").at(-1)?.content ?? "", /^I see: .*Exit code: 3/s);
  await until("that it was told is noted", async () => (await records(session))[0]?.reported === true);
});

test("a call that waits for its process finds it again after a kill -9, and nothing is run twice", async (t) => {
  const session = await DoerSession.start(t, spawning({ wait: true }));
  await session.leave(`spawn: ${waiting.replace("until [ -e go ]; do sleep 0.05; done", "sleep 1.5")}`);
  await until("it has begun", async () => (await session.written("file")) !== "");
  await session.restart();
  const events = await session.afterTurns(1);
  assert.equal(await session.written("file"), "x\n");
  const [result] = eventsOf(events, "tool_result");
  assert.match(result?.result.content ?? "", /"exit_code": 3,\n {2}"output": "went\\n"/);
  assert.equal(eventsOf(events, "process_started").length, 1);
  await until("its end is recorded", async () => (await records(session)).every((one) => one.reported));
  assert.equal(eventsOf(await session.afterTurns(1), "user_message").length, 1);
});

test("a denied command can not be had by spawning it", async (t) => {
  const acting = spawning();
  const session = await DoerSession.start(t, { ...acting, policy: { mode: "allow", deny: ["bash:touch *"] } });
  await session.leave("spawn: echo x && touch denied");
  const events = await session.afterTurns(1);
  assert.equal(eventsOf(events, "tool_result")[0]?.result.outcome, "denied");
  assert.deepEqual(await records(session), []);
});

test("deleting a session ends what it left running", async (t) => {
  const session = await DoerSession.start(t, spawning());
  await session.leave(`spawn: ${waiting}`);
  await session.afterTurns(1);
  const gone = await ask(session.server.place, { method: "DELETE", path: `/api/v1/sessions/${session.id}` });
  assert.ok(gone.status < 300, gone.text);
  await until("it is killed", async () => (await records(session))[0]?.status.state === "killed");
});

test("a server that nobody uses waits for its processes, and stops once their end was told", async (t) => {
  const files = Object.entries(doer(spawning()).files ?? {});
  const agents = Object.fromEntries(files.map(([path, text]) => [path.replace("agents/", ""), text]));
  const { folder, dataDir } = await workspace(t, agents);
  const server = startProgram(t, ["serve", "--socket-only", "--ephemeral", "1"], { cwd: folder });
  await server.shows(/socket/);
  assert.equal((await duragent(["run", "-a", "doer", "spawn: sleep 3"], { cwd: folder })).code, 0);
  assert.equal(await server.exit, 0);
  const [record] = await recordsIn(dataDir);
  assert.deepEqual([record?.status.state, record?.reported], ["completed", true]);
});
