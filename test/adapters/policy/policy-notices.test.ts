import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { nodeFileSystem } from "../../../src/adapters/file-system/node.ts";
import { createFilePolicies } from "../../../src/adapters/policy/file-policies.ts";
import type { PolicyCall } from "../../../src/ports/tool.ts";
import { bash, builtin } from "../../domain/policy/rules-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { until } from "../../support/until.ts";
import { collectingLog } from "./collecting-log.ts";

/** A webhook that keeps what it is told; `status` answers, `null` never does. */
async function webhook(t: TestContext, status: number | null = 204) {
  const told: unknown[] = [];
  const server: Server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (piece: string) => (text += piece));
    request.on("end", () => {
      told.push(JSON.parse(text));
      if (status !== null) response.writeHead(status, { location: "/elsewhere" }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return { told, url: `http://127.0.0.1:${address.port}/secret-path` };
}

async function policyWith(t: TestContext, text: string) {
  const home = join(await temporaryFolder(t), "one");
  await mkdir(home);
  await writeFile(join(home, "policy.yaml"), text);
  const log = collectingLog();
  const clock = new ManualClock();
  const source = createFilePolicies({ workspaceFile: join(home, "none.yaml"), fileSystem: nodeFileSystem, log, clock });
  const policy = source.of({ name: "one", home, files: new Map() });
  const ran = (call: PolicyCall, success = true): void =>
    policy.ran(call, { sessionId: "session_1", result: { success, outcome: success ? "ok" : "error", content: "" } });
  return { ran, log, clock, decide: policy.decide.bind(policy), problems: policy.problems.bind(policy) };
}

test("a webhook is told what ran for which agent, and whether it went well", async (t) => {
  const { told, url } = await webhook(t);
  const { ran } = await policyWith(
    t,
    `notify: { enabled: true, patterns: ["bash:git push", "builtin:web"], deliveries: [{ type: webhook, url: "${url}" }] }\n`,
  );
  ran(bash("ls"));
  ran(bash("ls && git push origin"), false);
  ran(builtin("memory:recall"));
  ran(builtin("web:fetch"));
  await until("two notices", () => told.length === 2);
  const common = { event: "command_notification", session_id: "session_1", agent: "one" };
  assert.deepEqual(told, [
    { ...common, command: "ls && git push origin", success: false },
    { ...common, command: "web:fetch", success: true },
  ]);
});

test("without patterns every call is told about, without deliveries in the log, and when it is off nowhere", async (t) => {
  const on = await policyWith(t, "notify: { enabled: true }\n");
  on.ran(bash("ls"));
  assert.deepEqual(
    on.log.lines.map(({ level, fields }) => [level, fields["command"]]),
    [["info", "ls"]],
  );
  const off = await policyWith(t, "notify: { patterns: ['bash:ls'] }\n");
  off.ran(bash("ls"));
  assert.deepEqual(off.log.lines, []);
});

test("a webhook that fails or leads elsewhere is a line in the log that does not tell its path", async (t) => {
  for (const status of [500, 302]) {
    const { url, told } = await webhook(t, status);
    const { ran, log } = await policyWith(
      t,
      `notify: { enabled: true, deliveries: [{ type: webhook, url: "${url}" }] }\n`,
    );
    ran(bash("ls"));
    await until("the warning", () => log.lines.length === 1);
    assert.equal(log.lines[0]?.level, "warn");
    assert.doesNotMatch(JSON.stringify(log.lines), /secret-path/);
    assert.equal(told.length, 1);
  }
});

test("a webhook that never answers holds up nothing: a hundred wait, more are dropped, and each has ten seconds", async (t) => {
  const { url, told } = await webhook(t, null);
  const { ran, log, clock } = await policyWith(
    t,
    `notify: { enabled: true, deliveries: [{ type: webhook, url: "${url}" }] }\n`,
  );
  for (let index = 0; index < 103; index += 1) ran(bash(`ls ${index}`));
  // One is on its way, a hundred wait.
  assert.equal(log.lines.filter(({ level }) => level === "warn").length, 2);
  await until("the first is told", () => told.length === 1);
  clock.advance(9_999);
  await new Promise(setImmediate);
  assert.equal(told.length, 1);
  clock.advance(1);
  await until("the second is told", () => told.length === 2);
  assert.match(String(log.lines.at(-1)?.message), /could not be told/);
});

test("a webhook with a user and a password in its address is refused, without telling them", async (t) => {
  const { decide, problems, log } = await policyWith(
    t,
    `notify: { enabled: true, deliveries: [{ type: webhook, url: "https://me:hunter2@example.net/x" }] }\n`,
  );
  assert.equal(decide(bash("ls")).policy, "deny");
  assert.match(
    problems()[0]?.message ?? "",
    /^notify\.deliveries\[0\]\.url: an address may hold no user name and password/,
  );
  assert.doesNotMatch(JSON.stringify([problems(), log.lines]), /hunter2/);
});
