import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { duragent, kill, repository, servedFolder, serverPid } from "../support/program.ts";
import { hasTmux, Terminal } from "../support/terminal.ts";

const program = `${process.execPath} ${join(repository, "bin", "duragent.mjs")}`;

if (await hasTmux()) {
  test("the demo agent runs a command after an approval in chat, which survives kill -9 of the server", async (t) => {
    const folder = await servedFolder(t);
    await duragent(["init", "--demo"], { cwd: folder });
    const terminal = await Terminal.open(t, folder);
    await terminal.types(`${program} chat`);
    await terminal.press("Enter");
    await terminal.shows(/\n> ?$/);
    await terminal.types("run: echo $((6*7))");
    await terminal.press("Enter");
    await terminal.shows(/bash wants to run:\n {2}echo \$\(\(6\*7\)\)\n\[o\]nce · \(always can not be kept/);

    const pid = await serverPid(join(folder, ".duragent"));
    assert.ok(pid !== null);
    kill(pid);
    await terminal.shows(/connection lost[^]*connected again/);
    await terminal.types("o");
    await terminal.press("Enter");
    const screen = await terminal.shows(/This came back:\n42/);
    // Whether the turn had to be taken up again depends on when the server was killed.
    assert.match(
      screen,
      /\[allowed by cli\]\n(?:\(the server came back[^\n]*\n)?▸ bash echo \$\(\(6\*7\)\)\n✓ bash \d+\.\ds\n {2}42\n/,
    );

    await terminal.types("run date");
    await terminal.press("Enter");
    await terminal.shows(/bash wants to run:\n {2}date/);
    await terminal.shows(/\[o\]nce · \[a\]lways: bash:date \* · \[d\]eny/);
    await terminal.types("/deny it is late");
    await terminal.press("Enter");
    await terminal.shows(/Denied over the command line: it is late/);

    await terminal.types("run date");
    await terminal.press("Enter");
    await terminal.shows(/Denied over the command line: it is late[^]*bash wants to run:\n {2}date/);
    await terminal.types("a");
    await terminal.press("Enter");
    await terminal.shows(/\[allowed always by cli: bash:date \*\]/);
  });

  test("who is attached beside another sees the question, and that the other has answered it", async (t) => {
    const folder = await servedFolder(t);
    await duragent(["init", "--demo"], { cwd: folder });
    const one = await Terminal.open(t, folder);
    await one.types(`${program} chat`);
    await one.press("Enter");
    const head = await one.shows(/session_\w+/);
    const id = /session_\w+/.exec(head)?.[0] ?? "";
    await one.shows(/\n> ?$/);
    const two = await Terminal.open(t, folder);
    await two.types(`${program} attach ${id}`);
    await two.press("Enter");
    await two.shows(/— live —/);
    await one.types("run date");
    await one.press("Enter");
    await one.shows(/wants to run/);
    await two.shows(/> run date[^]*wants to run:\n {2}date/);
    await two.types("d");
    await two.press("Enter");
    await one.shows(/\[denied by cli\][^]*Denied by a person over the command line\./);
  });
} else {
  test("approvals in a terminal: not tried, there is no tmux", (t) => {
    t.diagnostic("tmux is missing: the chat was not tried in a real terminal");
    console.warn("tmux is missing: approvals were not tried in a real terminal");
  });
}
