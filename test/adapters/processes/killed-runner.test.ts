import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { temporaryFolder } from "../../support/temporary-folder.ts";
import { until } from "../../support/until.ts";
import { modes, newWord, processesWith, type Mode } from "./command-ground.ts";

const program = join(import.meta.dirname, "programs/run-commands.ts");

async function start(t: TestContext, mode: Mode, lines: string[]) {
  const args = [program, mode, await temporaryFolder(t), ...lines];
  const child = spawn(process.execPath, args, { detached: true, stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
  const ended = once(child, "close");
  t.after(() => child.kill("SIGKILL"));
  return { pid: child.pid ?? 0, ended, said: () => said };
}

for (const mode of modes) {
  for (const target of ["process", "group"] as const) {
    void test(`kill -9 of a server's ${target} takes all that its commands started (sandbox ${mode})`, async (t) => {
      const word = newWord(t);
      const server = await start(t, mode, [
        `echo up; sleep ${word}1`,
        `trap '' TERM HUP INT; setsid sleep ${word}2 & (trap '' TERM HUP; sleep ${word}3) & echo up; wait`,
        `setsid -f sh -c 'trap "" TERM HUP; sleep ${word}4'; echo up; sleep ${word}5`,
      ]);
      await until("all run", async () => server.said().includes("up\n") && (await processesWith(word)).length >= 5);
      process.kill(target === "group" ? -server.pid : server.pid, "SIGKILL");
      await server.ended;
      await until("nothing is left", async () => (await processesWith(word)).length === 0);
    });
  }
}

void test("1 GB of output is read without being kept: the server stays under 200 MiB", async (t) => {
  const server = await start(t, modes[0] ?? "none", ["yes 0123456789abcdef | head -c 1000000000"]);
  await server.ended;
  const { peakKib, details } = JSON.parse(server.said().trim().split("\n").at(-1) ?? "");
  assert.deepEqual(details, [{ exit_code: 0, signal: null, output_bytes: 1_000_000_000 }]);
  assert.match(server.said(), /^stored 67108864$/m);
  assert.ok(peakKib < 200 * 1024, `${peakKib} KiB`);
});
