import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { kill, repository, serverPid } from "../support/program.ts";
import { hasTmux, Terminal } from "../support/terminal.ts";
import { until } from "../support/until.ts";
import { longAnswer, workspace } from "./workspaces.ts";

const duragent = `${process.execPath} ${join(repository, "bin", "duragent.mjs")}`;

if (await hasTmux()) {
  test("leaving a chat in the middle of an answer and attaching again shows the whole of it, once", async (t) => {
    const { folder } = await workspace(t);
    const terminal = await Terminal.open(t, folder);
    await terminal.types(`${duragent} chat`);
    await terminal.press("Enter");
    await terminal.shows(/echo · session_\w+ · \/help/);
    await terminal.shows(/\n> ?$/);
    await terminal.types("long");
    await terminal.press("Enter");
    await terminal.shows(/word3 /);
    await terminal.press("C-d");
    const left = await terminal.shows(/Come back with: duragent attach session_/);
    assert.ok(!left.includes(longAnswer), "the answer was still coming");
    assert.match(left, /^> long$/m, "what was typed stays on the screen");

    await terminal.types(`clear; ${duragent} attach`);
    await terminal.press("Enter");
    const back = await terminal.shows(/word59/);
    assert.equal(back.split(longAnswer).length, 2, back);
    await terminal.shows(/— live —/);
  });

  test("ctrl-c cancels the turn, twice it leaves; what is typed meanwhile is kept", async (t) => {
    const { folder } = await workspace(t);
    const terminal = await Terminal.open(t, folder);
    await terminal.types(`${duragent} chat -a echo; echo code $?`);
    await terminal.press("Enter");
    await terminal.shows(/\n> ?$/);
    await terminal.types("long");
    await terminal.press("Enter");
    await terminal.shows(/word3 /);
    await terminal.types("typed meanwhile");
    await terminal.press("C-c");
    const cancelled = await terminal.shows(/\[cancelled\]\n> typed meanwhile/);
    assert.ok(!cancelled.includes("word59"));
    await terminal.press("Enter");
    await terminal.shows(/heard: typed meanwhile\n> ?$/);
    await terminal.press("C-c");
    await terminal.press("C-c");
    await terminal.shows(/code 130/);
  });

  test("a chat goes on by itself when its server is killed", async (t) => {
    const { folder, dataDir } = await workspace(t);
    const terminal = await Terminal.open(t, folder);
    await terminal.types(`${duragent} chat`);
    await terminal.press("Enter");
    await terminal.shows(/\n> ?$/);
    await terminal.types("/status");
    await terminal.press("Enter");
    await terminal.shows(/active, idle · 1 attached/);
    const pid = await serverPid(dataDir);
    assert.ok(pid !== null);
    kill(pid);
    await terminal.shows(/connection lost/);
    await terminal.shows(/connected again/);
    await terminal.types("still there?");
    await terminal.press("Enter");
    await terminal.shows(/heard: still there\?/);
  });

  test("a server in the foreground stops when its terminal is closed, and reloads on SIGHUP while it is open", async (t) => {
    const { folder, dataDir } = await workspace(t);
    const terminal = await Terminal.open(t, folder);
    await terminal.types(`${duragent} serve --port 0 --no-watch`);
    await terminal.press("Enter");
    await terminal.shows(/durability/);
    const pid = await serverPid(dataDir);
    assert.ok(pid !== null);
    const { url } = JSON.parse(await readFile(join(dataDir, "server.json"), "utf8"));
    const isKnown = async (): Promise<boolean> => (await fetch(`${url}/api/v1/agents/late`)).status === 200;
    await writeFile(join(dataDir, "agents/late.yaml"), "name: late\nmodel: { provider: ollama, name: some }\n");
    assert.equal(await isKnown(), false);
    process.kill(pid, "SIGHUP");
    await until("the agent that the reload found", isKnown);
    await terminal.close();
    // A server that stops takes its record away.
    await until("the end of the server", async () => (await serverPid(dataDir)) === null);
    await assert.rejects(fetch(`${url}/livez`));
  });
} else {
  console.error(
    "test/scenarios/terminal.test.ts DID NOT RUN: tmux is not installed, so nothing was tried in a terminal",
  );
}
