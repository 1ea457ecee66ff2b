import assert from "node:assert/strict";
import { test } from "node:test";

import { nodeFileSystem } from "../../../src/adapters/file-system/node.ts";
import { processTable } from "../../../src/adapters/processes/background/process-table.ts";
import type { FileSystem } from "../../../src/ports/file-system.ts";
import { DuragentError } from "../../../src/schema/problem.ts";
import { command, context, openGround, sessionId } from "./ground.ts";

/** Whether anything runs that carries the handle of a background process. */
const runs = async (handle: string): Promise<boolean> =>
  (await processTable().list()).some((one) => one.handle === handle);

test("a process whose pid can not be noted is not left running", async (t) => {
  let writes = 0;
  let handle = "";
  const full: FileSystem = {
    ...nodeFileSystem,
    async replace(path, bytes, options) {
      writes += 1;
      if (writes === 1) return nodeFileSystem.replace(path, bytes, options);
      handle = /([a-z0-9]{26})\.meta\.json$/.exec(path)?.[1] ?? "";
      throw new Error("ENOSPC: no space left on device");
    },
  };
  const { processes, workspace } = await openGround(t, { fileSystem: full });
  await assert.rejects(processes.start(command("exec sleep 300", workspace), context()), /could not be started/);
  assert.notEqual(handle, "");
  assert.equal(await runs(handle), false);
});

test("a process whose start the session's log did not take is recorded when its call is taken up again", async (t) => {
  const { processes, workspace } = await openGround(t);
  const given = context();
  const failing = {
    ...given.session,
    processStarted: () => Promise.reject(new DuragentError("storage-failed", "full")),
  };
  await assert.rejects(processes.start(command("exec sleep 300", workspace), { ...given, session: failing }), /full/);
  const process = await processes.start(command("exec sleep 300", workspace), given);
  assert.deepEqual(given.started, [process.handle]);
  assert.deepEqual(processes.list(sessionId).length, 1);
  await processes.kill(process.handle);
});
