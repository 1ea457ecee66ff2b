import assert from "node:assert/strict";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { createSystemClock } from "../../src/adapters/clock/system.ts";
import { nodeFileSystem } from "../../src/adapters/file-system/node.ts";
import { FileSessionStore } from "../../src/adapters/stores/sessions/files/store.ts";
import { newSessionId } from "../suites/session-store.ts";
import { runTampered, straceMissing, type Traced } from "../support/strace.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const missing = straceMissing();
const total = 7;

/** What a tampering does to the session's own log, or (`anywhere`) to whatever file the call is about. */
type Case = { inject: string; anywhere?: true };

function each(calls: readonly string[], fault: string, times: number, anywhere?: true): Case[] {
  return calls.flatMap((call) =>
    Array.from({ length: times }, (_, index) => ({
      inject: `${call}:${fault}:when=${index + 1}`,
      ...(anywhere && { anywhere }),
    })),
  );
}

const kills = [
  ...each(["pwrite64", "fdatasync"], "signal=SIGKILL", 4),
  ...each(["fdatasync"], "signal=SIGKILL", 3, true),
  ...each(["rename"], "signal=SIGKILL", 2, true),
];

test("the process dies at a write, a sync or a rename: what it had acknowledged is there", async (t) => {
  for (const one of kills) {
    const run = await tampered(t, one);
    assert.ok(run === null || run.traced.signal === "SIGKILL", `${one.inject} killed nothing`);
    if (run) await assertAcknowledged(run, one);
  }
});

for (const code of ["EIO", "ENOSPC"]) {
  test(`a sync that fails with ${code} is not tried again, and nothing is acknowledged before the log is opened anew`, async (t) => {
    for (const one of each(["fdatasync"], `error=${code}`, 4).slice(1)) {
      const run = await tampered(t, one);
      if (!run) continue;
      await assertAcknowledged(run, one);
      const { lines, calls } = run.traced;
      const at = lines.findIndex((line) => "failed" in line);
      assert.ok(at > 0, `${one.inject}: ${JSON.stringify(lines)}`);
      assert.deepEqual(lines[at + 1], { read: at }, "what was acknowledged can still be read");
      assert.equal(lines[at + 2]?.["code"], "storage-failed", "nothing is taken at once");
      assert.ok("acknowledged" in (lines[at + 3] ?? {}), "opened anew it works again");
      const failed = calls.findIndex((call) => call.includes("(INJECTED)"));
      const next = calls.slice(failed + 1).find((call) => /fdatasync|close/.test(call));
      assert.match(next ?? "", /close/, "the descriptor is closed before anything is synced again");
    }
  });
}

for (const fault of ["error=EIO", "error=ENOSPC", "retval=10"]) {
  test(`a write with ${fault} is cut back, and the next one works`, async (t) => {
    for (const one of each(["pwrite64"], fault, 4).slice(1)) {
      const run = await tampered(t, one);
      if (!run) continue;
      await assertAcknowledged(run, one);
      const { lines } = run.traced;
      const at = lines.findIndex((line) => "failed" in line);
      assert.ok(at > 0, `${one.inject}: ${JSON.stringify(lines)}`);
      assert.equal(lines[at]?.["code"], fault === "error=EIO" ? "storage-failed" : "storage-full");
      assert.deepEqual(lines[at + 1], { read: at });
      assert.ok("acknowledged" in (lines[at + 2] ?? {}), "the next append has its room again");
      assert.deepEqual(lines.at(-1), { done: true });
    }
  });
}

type Run = { traced: Traced; folder: string; id: ReturnType<typeof newSessionId> };

/** `null` where system calls can not be tampered with: then this test has shown nothing, and says so. */
async function tampered(t: TestContext, one: Case): Promise<Run | null> {
  if (missing !== null) {
    t.diagnostic(`NOT RUN: ${one.inject}: ${missing}`);
    return null;
  }
  const folder = await temporaryFolder(t);
  const id = newSessionId();
  const path = join(folder, "sessions", id, "events.jsonl");
  const limit = one.anywhere ? {} : { path };
  const traced = await runTampered("append-messages.ts", [folder, id], { folder, inject: one.inject, ...limit });
  return { traced, folder, id };
}

/** What was acknowledged is in the log, in its place; what is in the log was submitted, once. */
async function assertAcknowledged({ traced, folder, id }: Run, { inject }: Case): Promise<void> {
  const options = { fs: nodeFileSystem, clock: createSystemClock(), durability: "synced" } as const;
  const store = await FileSessionStore.open({
    ...options,
    dataFolder: folder,
    sessionsFolder: join(folder, "sessions"),
  });
  const known = traced.lines.some((line) => "created" in line);
  const events = await Array.fromAsync(store.read(id)).catch((error: unknown) => {
    if (known) throw error;
    return [];
  });
  await store.shutdown();
  const contents = events.flatMap((event) => (event.type === "user_message" ? [event.content] : []));
  assert.equal(new Set(contents).size, contents.length, `${inject} doubled something: ${contents.join()}`);
  assert.deepEqual(
    events.map((event) => event.seq),
    events.map((_, index) => index + 1),
  );
  for (const { acknowledged, seq } of traced.lines) {
    if (acknowledged === undefined) continue;
    const event = events[Number(seq) - 1];
    assert.ok(
      event?.type === "user_message" && event.content === acknowledged,
      `${inject} lost ${String(acknowledged)}`,
    );
  }
  assert.ok(contents.length <= total * 2);
  for (const content of contents) assert.match(content, /^message [1-6]( again| at once)?$/);
}
