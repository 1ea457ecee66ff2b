import assert from "node:assert/strict";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { duragent } from "../support/program.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { workspace } from "./workspaces.ts";

const commandLines: [args: string[], code: number, says: RegExp][] = [
  [["--version"], 0, /^\d+\.\d+\.\d+\n$/],
  [["version", "--json"], 0, /"version"/],
  [["--help"], 0, /Usage: duragent/],
  [["completions", "bash"], 0, /complete -F _duragent duragent/],
  [[], 2, /Usage: duragent/],
  [["chatt"], 2, /error: unknown command 'chatt'\n\(Did you mean chat\?\)/],
  [["chat", "--agnet", "x"], 2, /error: unknown option '--agnet'/],
  [["migrate"], 2, /error: `duragent migrate` needs a later version/],
  [["gateway", "list"], 0, /There are no gateways: docs\/gateways.md says how/],
  [["gateway", "restart", "x"], 69, /error: no server runs here, so no gateway does/],
  [["gateway", "test", "x"], 1, /error: there is no gateway x in duragent.yaml/],
  [["gateway", "test", "x", "--text", "hi"], 2, /error: --text needs --chat/],
  [["policy", "check"], 2, /missing required argument .call./],
  [["serve", "--port", "99999"], 2, /must be a whole number from 0 to 65535/],
  [["session", "list", "--status", "gone"], 2, /Allowed choices are active, running, paused, ended/],
  [["run", "-a", "x"], 2, /error: there is nothing to do\nhint: /],
  [["chat", "--server", "http://127.0.0.1:9"], 69, /error: no server answers at http:\/\/127\.0\.0\.1:9/],
  [["chat", "--server", "nonsense"], 2, /error: --server: nonsense is no address/],
  [["serve", "status"], 69, /error: no server is running/],
  [["--config", "missing.yaml", "serve"], 78, /missing\.yaml: there is no such file/],
  [["serve", "--host", "0.0.0.0"], 78, /can be reached from other machines, and there is no token/],
];

test("every command line ends with the code and the words that it should", async (t) => {
  const folder = await temporaryFolder(t);
  for (const [args, code, says] of commandLines) {
    await t.test(`duragent ${args.join(" ")} → ${code}`, async () => {
      const result = await duragent(args, { cwd: folder });
      assert.equal(result.code, code, result.stderr);
      assert.match(result.stdout + result.stderr, says);
      assert.doesNotMatch(result.stderr, /^ {4}at /m, "no stack without -vv");
    });
  }
});

test("a key that is misspelled in duragent.yaml stops every command with its place and a suggestion", async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "duragent.yaml"), "server:\n  prot: 9000\n");
  for (const command of [["serve"], ["chat"]]) {
    const { code, stderr } = await duragent(command, { cwd: folder });
    assert.equal(code, 78);
    assert.match(stderr, /^error: duragent\.yaml:2:3: .*prot/);
    assert.match(stderr, /port/);
  }
});

test("a server that must have bubblewrap does not start without it, and says what to install", async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "duragent.yaml"), "sandbox: { mode: bubblewrap }\n");
  await mkdir(join(folder, "bin"));
  await symlink(process.execPath, join(folder, "bin", "node"));
  const { code, stderr } = await duragent(["serve", "--port", "0"], {
    cwd: folder,
    env: { PATH: join(folder, "bin") },
  });
  assert.equal(code, 78);
  assert.match(stderr, /sandbox\.mode is bubblewrap, and there is no program bwrap on the PATH; install it \(Debian/);
});

test("run exits 1 when its turn failed, with the provider's words on stderr and nothing on stdout", async (t) => {
  const { folder } = await workspace(t, {
    "broken/agent.yaml": "name: broken\nmodel: { provider: scripted, name: ./script.yaml }\n",
    "broken/script.yaml":
      "rules: [{ when: '.*', say: hi }]\nerrors: [{ on_call: 1, status: 400, message: no such model }]\n",
  });
  const { code, stdout, stderr } = await duragent(["run", "-a", "broken", "hello"], { cwd: folder });
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /error: .*no such model/);
});

test("run, and chat over a pipe, exit 1 when a limit ended the turn", async (t) => {
  const { folder } = await workspace(t, {
    "looper/agent.yaml":
      "name: looper\nmodel: { provider: scripted, name: ./script.yaml }\ntools: [{ type: builtin, name: list_files }]\nsession: { max_tool_iterations: 1 }\n",
    "looper/script.yaml":
      "rules: [{ when: '.*', tool: { name: list_files, arguments: {} } }, { after_tool: list_files, tool: { name: list_files, arguments: {} } }]\n",
  });
  const run = await duragent(["run", "-a", "looper", "go"], { cwd: folder });
  assert.equal(run.code, 1, run.stdout + run.stderr);
  assert.equal((await duragent(["chat", "-a", "looper"], { cwd: folder, stdin: "go\n" })).code, 1);
  assert.equal((await duragent(["chat", "-a", "looper"], { cwd: folder, stdin: "go\n/end\n" })).code, 1);
  const { stdout } = await duragent(["session", "list", "--json"], { cwd: folder });
  const { stdout: log } = await duragent(["session", "export", JSON.parse(stdout).sessions[0].session_id], {
    cwd: folder,
  });
  assert.match(log, /"outcome":"limit_reached"/);
});

test("an agent that is not there is named, with those that are", async (t) => {
  const { folder } = await workspace(t);
  const { code, stderr } = await duragent(["chat", "-a", "nobody"], { cwd: folder });
  assert.equal(code, 1);
  assert.equal(stderr, "error: there is no agent nobody\nhint: there are: echo\n");
});

test("an agent that is not valid is named with its mistake, the command that checks it, and while the last good one answers", async (t) => {
  const { folder, dataDir } = await workspace(t, { "bad/agent.yaml": "name: bad\nmodle: { provider: scripted }\n" });
  for (const args of [
    ["chat", "-a", "bad"],
    ["run", "-a", "bad", "hello"],
  ]) {
    const { code, stderr } = await duragent(args, { cwd: folder });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^error: the agent bad is not valid:\n[^]* {2}\.duragent\/agents\/bad\/agent\.yaml:2:1: .*modle[^]*\nhint: .*`duragent agent validate \.duragent\/agents\/bad`/,
    );
  }
  await writeFile(join(dataDir, "agents", "echo", "agent.yaml"), "name: echo\nmodle: {}\n");
  assert.equal((await duragent(["serve", "reload"], { cwd: folder })).code, 0);
  const chat = await duragent(["chat", "-v", "-a", "echo"], { cwd: folder, stdin: "hello\n" });
  assert.match(chat.stdout, /heard: hello/);
  assert.match(chat.stderr, /warning: the last valid version of the agent answers, because echo\/agent\.yaml:1:1: /);
});
