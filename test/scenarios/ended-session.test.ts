import assert from "node:assert/strict";
import { test } from "node:test";

import { duragent, servedFolder, startProgram, type Program } from "../support/program.ts";
import { scriptedAgent, ServerProcess } from "../support/server-process.ts";
import { workspace } from "./workspaces.ts";

async function endsWell(chat: Program, says = /\[the session has ended: completed\]/): Promise<void> {
  assert.equal(await chat.exit, 0, chat.stderr);
  assert.match(chat.stderr, says);
  assert.doesNotMatch(chat.stderr, /AbortError|node:/);
}

test("a chat whose session ends, from here or elsewhere, says so and exits 0", async (t) => {
  const { folder } = await workspace(t);
  await endsWell(startProgram(t, ["chat"], { cwd: folder, stdin: "hello\n/end\n" }));

  const other = startProgram(t, ["chat", "-v"], { cwd: folder });
  const [id = ""] = await other.shows(/session_\w+/);
  other.child.stdin?.write("hello\n");
  await other.shows(/heard: hello/);
  assert.equal((await duragent(["session", "end", id], { cwd: folder })).code, 0);
  await endsWell(other, /\[the session has ended[^]*Start a new one with: duragent chat -a echo/);
});

test("a session that is ended while it asks, and one of a server that is named, end their chats as well", async (t) => {
  const folder = await servedFolder(t);
  await duragent(["init", "--demo"], { cwd: folder });
  await endsWell(startProgram(t, ["chat"], { cwd: folder, stdin: "run date\n/end\n" }));

  const server = await ServerProcess.start(t, { files: scriptedAgent("echo") });
  await endsWell(startProgram(t, ["chat", "--server", server.url], { cwd: folder, stdin: "hello\n/end\n" }));
});
