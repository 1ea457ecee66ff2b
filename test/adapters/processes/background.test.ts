import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { until } from "../../support/until.ts";
import { command, context, openGround, outputOf, patient } from "./ground.ts";

test("a process leaves its output, its exit code and a record that people can read, and its session is told once", async (t) => {
  const { processes, folder, workspace, told } = await openGround(t);
  const call = context();
  const started = await processes.start(command("pwd; echo oops >&2; exit 3", workspace, { label: "a build" }), call);
  assert.equal(started.status.state, "running");
  assert.deepEqual(call.started, [started.handle]);
  const ended = await processes.ended(started.handle, patient());
  assert.deepEqual(ended.status, { state: "failed", exit_code: 3 });
  assert.equal(await outputOf(processes, started.handle), `${workspace}\noops\n`);
  await until("the session is told", () => told.ended.length > 0);
  const record: unknown = JSON.parse(await readFile(join(folder, `${started.handle}.meta.json`), "utf8"));
  assert.partialDeepStrictEqual(record, { command: "pwd; echo oops >&2; exit 3", label: "a build" });
  assert.equal((await stat(folder)).mode & 0o777, 0o700);
  assert.equal((await stat(started.log_path)).mode & 0o777, 0o600);
  const [end] = told.ended;
  assert.equal(end?.exitCode, 3);
  assert.match(
    end?.message ?? "",
    /Label: a build\n.*\nStatus: failed\nExit code: 3\nDuration: \d+ s\nOutput:\n.*\noops/s,
  );
});
