import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { duragent, servedFolder, startProgram } from "../support/program.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { longAnswer, workspace } from "./workspaces.ts";

test("init --demo, then a piped chat: answers on stdout, nothing else", async (t) => {
  const folder = await servedFolder(t);
  const made = await duragent(["init", "--demo"], { cwd: folder });
  assert.equal(made.code, 0);
  assert.match(made.stdout, /made {2}\.duragent\/agents\/demo\/agent\.yaml/);
  assert.match(made.stdout, /duragent chat/);
  assert.equal((await stat(join(folder, ".duragent"))).mode & 0o777, 0o700);

  const chat = await duragent(["chat"], { cwd: folder, stdin: "my name is Ada\n\nbye\n" });
  assert.deepEqual(chat, {
    code: 0,
    stdout: "Nice to meet you, Ada.\nGoodbye! ctrl-d leaves; `duragent attach` brings you back here.\n",
    stderr: "",
  });

  const again = await duragent(["init", "--demo"], { cwd: folder });
  assert.doesNotMatch(again.stdout, /made/);
});

test("init --yes without a key or an Ollama makes an agent and says how to give it a key", async (t) => {
  const folder = await temporaryFolder(t);
  const { code, stdout } = await duragent(["init", "--yes", "new"], { cwd: folder });
  assert.equal(code, 0);
  assert.match(stdout, /cd new\n {2}duragent login anthropic/);
  const key = await duragent(["login", "anthropic"], { cwd: join(folder, "new"), stdin: "sk-test-1234567890\n" });
  assert.equal(key.code, 0);
  assert.doesNotMatch(key.stdout + key.stderr, /sk-test/);
  const stored = await readFile(join(folder, "new", ".home", ".duragent", "auth.json"), "utf8");
  assert.deepEqual(JSON.parse(stored), { anthropic: { type: "api_key", key: "sk-test-1234567890" } });
  const valid = await duragent(["agent", "validate", ".duragent/agents/my-assistant"], { cwd: join(folder, "new") });
  assert.equal(valid.code, 0, valid.stdout);
});

test("who came by npx is told to go on by npx", async (t) => {
  const cwd = await servedFolder(t);
  const env = { npm_command: "exec" };
  assert.match((await duragent(["init", "--demo"], { cwd, env })).stdout, /Now type:\n {2}npx duragent chat\n/);
  const made = await duragent(["agent", "create", "mine"], { cwd, env });
  assert.match(made.stdout, /Now type:\n {2}npx duragent chat -a mine\n/);
});

test("a served session: chat, kill -9 in the middle of an answer, serve again, attach: all of it is there", async (t) => {
  const { folder } = await workspace(t);
  const first = startProgram(t, ["serve", "--port", "0"], { cwd: folder });
  await first.shows(/listens on/);
  const chat = startProgram(t, ["chat"], { cwd: folder });
  chat.child.stdin?.write("long\n");
  await chat.shows(/word5 /);
  first.child.kill("SIGKILL");
  await chat.shows(/connection lost/);

  const second = startProgram(t, ["serve", "--port", "0"], { cwd: folder });
  await second.shows(/listens on/);
  await chat.shows(/word59\n/);
  chat.child.stdin?.end("and now?\n");
  assert.equal(await chat.exit, 0, chat.stderr);
  assert.ok(chat.stdout.endsWith("heard: and now?\n"), chat.stdout);

  const { stdout } = await duragent(["attach", "-l", "--json"], { cwd: folder });
  const [session] = JSON.parse(stdout).sessions;
  const markdown = await duragent(["session", "export", session.session_id, "--format", "markdown"], { cwd: folder });
  assert.equal(markdown.stdout.split(longAnswer).length, 2);
  const attached = await duragent(["attach", session.session_id], { cwd: folder, stdin: "again\n" });
  assert.deepEqual(attached, { code: 0, stdout: "heard: again\n", stderr: "" });
});

test("run reads stdin after its prompt, prints JSON lines on request, and can leave its work behind", async (t) => {
  const { folder } = await workspace(t);
  const both = await duragent(["run", "-a", "echo", "look at this:"], { cwd: folder, stdin: "a diff\n" });
  assert.equal(both.stdout, "heard: look at this:\n\na diff\n");
  const json = await duragent(["run", "-a", "echo", "--json", "hi"], { cwd: folder });
  const types = json.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).type);
  assert.deepEqual(types, ["session_start", "user_message", "turn_start", "assistant_response", "turn_end"]);
  const detached = await duragent(["run", "-a", "echo", "--detach", "long"], { cwd: folder });
  assert.match(detached.stdout, /^session_[0-9A-Z]{26}\n$/);
  const tail = startProgram(t, ["session", "tail", "-f", detached.stdout.trim()], { cwd: folder });
  await tail.shows(/turn_end outcome=completed/);
  // Before its server: a follower whose server goes starts another.
  tail.child.kill("SIGKILL");
  await tail.exit;
});
