import assert from "node:assert/strict";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";

import { ask } from "../support/http-harness.ts";
import { duragent } from "../support/program.ts";
import { runProgram, ServerProcess } from "../support/server-process.ts";
import { until } from "../support/until.ts";
import { doer, DoerSession, eventsOf } from "./acting-agents.ts";

const touch = "run: echo x >> file";

test("a question over HTTP survives kill -9, is bound to what was shown, and its answer runs the call once", async (t) => {
  const session = await DoerSession.start(t);
  const asked = await session.post("/messages", { content: touch });
  assert.equal(asked.status, 202);
  assert.deepEqual([asked.json.status, asked.json.command], ["pending_approval", "echo x >> file"]);
  const callId = String(asked.json.call_id);
  await session.restart();

  const [pending] = await session.pending();
  assert.deepEqual(
    [pending?.["call_id"], pending?.["approval_id"], pending?.["tool_name"], pending?.["command"]],
    [callId, asked.json.approval_id, "bash", "echo x >> file"],
  );
  const other = await session.post("/approve", { call_id: callId, decision: "allow_once", command: "rm -rf file" });
  assert.equal(other.status, 409, "the answer was to another command");
  assert.equal(await session.written("file"), "");

  const body = { call_id: callId, decision: "allow_once", command: "echo x >> file" };
  const allowed = await session.post("/approve", body);
  assert.equal(allowed.status, 200);
  assert.equal(allowed.json.status, "complete");
  const again = await session.post("/approve", body);
  assert.deepEqual([again.status, again.json], [200, allowed.json]);
  assert.equal((await session.post("/approve", { ...body, decision: "deny" })).status, 409);
  assert.equal((await session.post("/approve", { call_id: "call_none", decision: "deny" })).status, 404);
  assert.equal(await session.written("file"), "x\n");
});

test("of two who answer at once one wins, and the call runs as that one said", async (t) => {
  const session = await DoerSession.start(t);
  const { json } = await session.post("/messages", { content: touch });
  const told = await Promise.all(
    ["allow_once", "deny", "allow_once", "deny"].map((decision) =>
      session.post("/approve", { call_id: json.call_id, decision }),
    ),
  );
  const [decision, ...more] = eventsOf(await session.afterTurns(1), "approval_decision");
  assert.deepEqual(more, []);
  const isAllowed = decision?.decision === "allow_once";
  assert.deepEqual(
    told.map(({ status }) => status),
    isAllowed ? [200, 409, 200, 409] : [409, 200, 409, 200],
  );
  assert.equal(await session.written("file"), isAllowed ? "x\n" : "");
});

test("the compatible stream ends with the question, and /approve goes on", async (t) => {
  const session = await DoerSession.start(t);
  const stream = await session.post("/stream", { content: touch });
  const callId = /event: approval_required\ndata: (.*)\n/.exec(stream.text)?.[1];
  assert.ok(callId, stream.text);
  const { call_id, command } = JSON.parse(callId);
  assert.equal(command, "echo x >> file");
  assert.doesNotMatch(stream.text, /event: (done|error)/);
  const denied = await session.post("/approve", { call_id, decision: "deny", reason: "not now" });
  assert.match(denied.json.content, /It says: Denied over the API: not now\./);
  assert.equal(await session.written("file"), "");
});

test("a message instead of an answer is a denial; cancelling ends the turn and its question", async (t) => {
  const session = await DoerSession.start(t);
  await session.post("/messages", { content: touch });
  const instead = await session.post("/messages", { content: "rather not" });
  assert.equal(instead.json.content, "heard rather not");
  const { json } = await session.post("/messages", { content: touch });
  assert.equal((await session.post("/cancel", undefined)).status, 202);
  const events = await session.afterTurns(2);
  assert.deepEqual(
    eventsOf(events, "turn_end").map(({ outcome }) => outcome),
    ["completed", "cancelled"],
  );
  assert.deepEqual(await session.pending(), []);
  assert.notEqual((await session.post("/approve", { call_id: json.call_id, decision: "allow_once" })).status, 200);
  assert.equal(await session.written("file"), "");
});

test("always allow holds for the next call at once and after a restart, and for nothing else", async (t) => {
  const session = await DoerSession.start(t);
  const { json } = await session.post("/messages", { content: "run: date +%Y" });
  assert.deepEqual((await session.pending())[0]?.["always"], ["bash:date *"]);
  const always = await session.post("/approve", { call_id: json.call_id, decision: "allow_always" });
  assert.equal(always.json.not_kept, undefined);
  assert.equal((await session.post("/messages", { content: "run: date -u" })).json.outcome, "completed");
  await session.restart();
  assert.equal((await session.post("/messages", { content: "run: date" })).json.outcome, "completed");
  assert.equal((await session.post("/messages", { content: "run: date; echo x >> file" })).status, 202);
});

test("what can not be kept for later is allowed once, and the answer says so", async (t) => {
  const session = await DoerSession.start(t);
  const { json } = await session.post("/messages", { content: "run: echo $(date) >> file" });
  assert.deepEqual((await session.pending())[0]?.["always"], []);
  const always = await session.post("/approve", { call_id: json.call_id, decision: "allow_always" });
  assert.deepEqual([always.status, always.json.status], [200, "complete"]);
  assert.match(always.json.not_kept, /can only be allowed this once/);
  assert.notEqual(await session.written("file"), "");
  assert.equal((await session.post("/messages", { content: "run: echo $(date) >> file" })).status, 202);
});

test("a question that nobody answers in time is a denial", async (t) => {
  const session = await DoerSession.start(t, { config: "policy: { approval_timeout: 1 }\n" });
  const { json } = await session.post("/messages", { content: touch });
  const [pending] = await session.pending();
  assert.ok(pending?.["expires_at"]);
  const events = await session.afterTurns(1);
  const [decision] = eventsOf(events, "approval_decision");
  assert.deepEqual([decision?.decision, decision?.decided_by], ["deny", "expiry"]);
  assert.match(eventsOf(events, "tool_result")[0]?.result.content ?? "", /^Nobody answered in time\.$/);
  assert.equal((await session.post("/approve", { call_id: json.call_id, decision: "allow_once" })).status, 409);
  assert.equal(await session.written("file"), "");
});

test("a question that nobody is there to see is announced with what answers it", async (t) => {
  const bodies: { kind: string; approval: Record<string, string> }[] = [];
  const hook = createServer((incoming, outgoing) => {
    let body = "";
    incoming.setEncoding("utf8").on("data", (text: string) => (body += text));
    incoming.on("end", () => {
      bodies.push(JSON.parse(body));
      outgoing.writeHead(204).end();
    });
  });
  hook.listen(0, "127.0.0.1");
  await once(hook, "listening");
  t.after(() => hook.close());
  const { port } = hook.address() as AddressInfo;
  const config = `notify: { default: ops, channels: { ops: { webhook: "http://127.0.0.1:${port}/" } } }\n`;
  const session = await DoerSession.start(t, { config });
  await session.leave(touch);
  await until("the announcement", () => bodies.length > 0);
  const [announced] = bodies;
  assert.equal(announced?.kind, "approval");
  const { call_id, approval_id, command } = announced.approval;
  const allowed = await session.post("/approve", { call_id, approval_id, command, decision: "allow_once" });
  assert.equal(allowed.json.status, "complete");
  assert.equal(await session.written("file"), "x\n");
  assert.equal(bodies.length, 1);
});

test("a policy that denies is told to the model, and a broken one denies everything and says so", async (t) => {
  const session = await DoerSession.start(t, { policy: { mode: "allow", deny: ["bash:echo"] } });
  const denied = await session.post("/messages", { content: touch });
  assert.match(denied.json.content, /It says: Denied by policy: /);
  const broken = await DoerSession.start(t, { policy: { mode: "allways" } });
  const told = await broken.post("/messages", { content: "run: date" });
  assert.match(
    told.json.content,
    /Denied by policy: everything is denied because a policy file is broken: .*policy\.yaml:1:9/,
  );
});

test("a policy that denies or breaks while a question waits keeps the call from running and anything from being kept", async (t) => {
  for (const [policy, why] of [
    ["mode: allow\ndeny: [bash:touch]\n", /denied by "bash:touch"/],
    ["mode: allways\n", /a policy file is broken: .*policy\.yaml:1:7/],
  ] as const) {
    const session = await DoerSession.start(t);
    const { call_id } = (await session.post("/messages", { content: "run: touch made" })).json;
    const folder = join(session.server.folder, "agents/doer");
    await writeFile(join(folder, "policy.yaml"), policy);
    const told = await session.post("/approve", { call_id, decision: "allow_always" });
    assert.equal(told.status, 200);
    assert.match(told.json.not_kept, why);
    assert.match(told.json.content, /^It says: Denied by policy: /);
    assert.match(told.json.content, why);
    assert.deepEqual(await readdir(join(session.server.dataDir, "workspace", "doer")).catch(() => []), []);
    assert.equal((await readdir(folder)).includes("policy.local.yaml"), false);
  }
});

test("run denies what nobody can answer, and allows it when it is told to", async (t) => {
  const server = await ServerProcess.prepare(t, doer());
  const denied = await runProgram(server, ["run", "-a", "doer", touch]);
  assert.equal(denied.code, 0, denied.stderr);
  assert.match(denied.stdout, /It says: Denied over the command line: there is no terminal to ask on/);
  assert.match(denied.stderr, /^denied: there is no terminal to ask on; use --approve all or a policy$/m);
  assert.doesNotMatch(denied.stderr, /\[o\]nce/);
  const told = await runProgram(server, ["run", "-a", "doer", "--approve", "none", touch]);
  assert.match(told.stdout, /Denied over the command line: whoever started the run allows nothing/);
  const allowed = await runProgram(server, ["run", "-a", "doer", "--approve", "all", touch]);
  assert.match(allowed.stdout, /It says:/);
  assert.equal(await readFile(join(server.dataDir, "workspace", "doer", "file"), "utf8"), "x\n");
  const neither = await runProgram(server, ["run", "-a", "doer", "--detach", "--approve", "all", touch]);
  assert.equal(neither.code, 2);
  await runProgram(server, ["serve", "stop"]);
});

test("a question that waits is answered by a line over a pipe", async (t) => {
  const session = await DoerSession.start(t);
  await session.leave(touch);
  await session.question();
  const { server, id } = session;
  const { stdout, stderr, code } = await duragent(["attach", id, "--config", join(server.folder, "duragent.yaml")], {
    cwd: server.folder,
    stdin: "o\n",
  });
  assert.deepEqual([code, stdout], [0, "It says: The command wrote nothing. Exit code 0.\n"], stderr);
  assert.match(stderr, /bash wants to run:\n {2}echo x >> file\n[^]*▸ bash echo x >> file\n✓ bash/);
  assert.equal(await session.written("file"), "x\n");
});

test("what an agent is told of a missing tool names those that it has", async (t) => {
  const rules = [
    { when: "^go$", tool: { name: "bahs", arguments: {} } },
    { when: ".*", say: "{{result}}" },
  ];
  const session = await DoerSession.start(t, { rules });
  const { json } = await session.post("/messages", { content: "go" });
  assert.match(json.content, /There is no tool bahs; did you mean "bash"\? Your tools are: bash\./);
  const health = await ask(session.server.place, { path: "/readyz" });
  assert.equal(health.status, 200);
});
