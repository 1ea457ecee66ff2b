import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { duragent, Program, repository } from "../support/program.ts";
import { until } from "../support/until.ts";
import { workspace } from "./workspaces.ts";

const program = join(repository, "test/gateways/protocol/programs/echo-gateway.ts");
const token = "123:SECRET-TOKEN";

/** A workspace with two gateways, one of which its platform refuses; that one is not started again. */
async function joined(t: TestContext) {
  const { folder } = await workspace(t);
  const gateway = (name: string, config: object) => ({
    name,
    command: "node",
    args: [program],
    env: { PLATFORM: join(folder, "platform") },
    config: { bot_token: token, ...config },
  });
  const external = [gateway("chat", {}), { ...gateway("refused", { platform: "refusing" }), restart: "never" }];
  await writeFile(join(folder, "duragent.yaml"), JSON.stringify({ gateways: { external }, server: { port: 0 } }));
  return folder;
}

test("a gateway is tried before there is a server", async (t) => {
  const cwd = await joined(t);
  const { stdout: list } = await duragent(["gateway", "list"], { cwd });
  assert.match(list, /^NAME .*\nchat +stopped +- +0 +node *\nrefused +stopped/);

  const tried = await duragent(["gateway", "test", "chat", "--chat", "7", "--text", "hello"], { cwd });
  assert.equal(tried.code, 0, tried.stderr);
  assert.match(tried.stdout, /named chat, token \[hidden\]/);
  assert.match(
    tried.stdout,
    /ready +echo 1\.2\.3\ncan +ack, typing, edit\nanswered +in \d+ ms, connected to its platform\nsent +message m0\n/,
  );
  assert.equal(await readFile(join(cwd, "platform"), "utf8"), "7\thello\nstopped\n");

  const refused = await duragent(["gateway", "test", "refused"], { cwd });
  assert.equal(refused.code, 1);
  assert.match(refused.stdout, /no answer +it is stopped: .*refused: \[hidden\]/);
  assert.equal((tried.stdout + refused.stdout + refused.stderr).includes(token), false);
});

test("with a server its gateways are listed, tried, restarted and checked", async (t) => {
  const cwd = await joined(t);
  const server = new Program(["serve"], { cwd });
  t.after(() => server.child.kill("SIGKILL"));
  await server.shows(/listens on/);
  const json = async (...args: string[]) =>
    JSON.parse((await duragent(["gateway", ...args, "--json"], { cwd })).stdout);

  const states = async () => (await json("list")).gateways.map(({ state }: { state: string }) => state).join();
  const ready = () => until("one is ready, the other has ended", async () => (await states()) === "ready,stopped");

  await ready();
  const trial = await json("test", "chat", "--chat", "7");
  assert.deepEqual([trial.ping.connected, trial.sent.ok, "log" in trial], [true, true, false]);
  assert.match(await readFile(join(cwd, "platform"), "utf8"), /^7\tThis is a test: the gateway chat of Duragent/);
  const before = (await json("list")).gateways[0];
  await json("restart", "chat");
  await ready();
  const after = (await json("list")).gateways[0];
  assert.notEqual(after.pid, before.pid);

  const { stdout } = await duragent(["doctor"], { cwd });
  assert.match(stdout, /Gateways\n.*ok.*chat: it is ready/);
  assert.match(stdout, /warn +refused: it is stopped: unauthorized: refused: \[hidden\]/);
  server.child.kill("SIGTERM");
  await server.exit;
});

test("a server that a command started joins no chats, and says so", async (t) => {
  const cwd = await joined(t);
  await duragent(["run", "-a", "echo", "hello"], { cwd });
  const { code, stderr } = await duragent(["gateway", "test", "chat"], { cwd });
  assert.equal(code, 69);
  assert.match(stderr, /was started by a command, and joins no chats\nhint: `duragent serve stop`/);
  await duragent(["serve", "stop"], { cwd });
});
