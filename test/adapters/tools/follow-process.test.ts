import assert from "node:assert/strict";
import { test } from "node:test";

import { createSystemClock } from "../../../src/adapters/clock/system.ts";
import { followProcess } from "../../../src/adapters/tools/follow-process.ts";
import type { BackgroundProcesses } from "../../../src/ports/background-processes.ts";

test("a process that can be neither read nor killed fails its call, and nothing else", async () => {
  const cancel = new AbortController();
  const unreadable: Partial<BackgroundProcesses> = {
    output: () => Promise.reject(new Error("EIO: i/o error")),
    ended: (_handle, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("aborted")))),
    kill: () => Promise.reject(new Error("ENOSPC: no space left on device")),
  };
  const parts = { processes: unreadable as BackgroundProcesses, clock: createSystemClock() };
  await assert.rejects(
    followProcess("h", parts, { signal: cancel.signal }, () => undefined),
    /EIO/,
  );
  let unhandled: unknown = null;
  process.once("unhandledRejection", (error) => (unhandled = error));
  cancel.abort("cancel");
  await new Promise(setImmediate);
  assert.equal(unhandled, null);
});
