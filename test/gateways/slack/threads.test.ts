import assert from "node:assert/strict";
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { Threads } from "../../../gateways/slack/src/threads.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const never = (message: string): void => assert.fail(message);

test("the newest thousand threads are remembered, also by the next one to open them", async (t) => {
  const folder = await temporaryFolder(t);
  const threads = await Threads.open(folder, never);
  for (let index = 0; index < 2_500; index += 1) await threads.add("C1", `${index}.1`);
  await threads.add("C1", "1500.1");
  for (const each of [threads, await Threads.open(folder, never)]) {
    assert.equal(each.has("C1", "2499.1"), true);
    assert.equal(each.has("C1", "1500.1"), true);
    assert.equal(each.has("C1", "1499.1"), false);
    assert.equal(each.has("C2", "2499.1"), false);
  }
  const lines = (await readFile(join(folder, "threads.txt"), "utf8")).split("\n").length;
  assert.equal(lines <= 2_001, true, `${lines} lines`);
});

test("a line that a kill has torn is no thread, and the next one is not joined to it", async (t) => {
  const folder = await temporaryFolder(t);
  await (await Threads.open(folder, never)).add("C1", "1.1");
  await appendFile(join(folder, "threads.txt"), "C1 2.");
  await (await Threads.open(folder, never)).add("C1", "3.1");
  const threads = await Threads.open(folder, never);
  assert.deepEqual(
    ["1.1", "2.", "2.C1", "3.1"].map((ts) => threads.has("C1", ts)),
    [true, false, false, true],
  );
});

test("a disk that refuses is said, and the thread known until the end", async (t) => {
  const folder = await temporaryFolder(t);
  const log: string[] = [];
  const threads = await Threads.open(folder, (message) => log.push(message));
  await mkdir(join(folder, "threads.txt"));
  await threads.add("C1", "1.1");
  assert.equal(threads.has("C1", "1.1"), true);
  assert.match(log.join(), /a thread can not be remembered/);
});

test("without a folder threads are known until the end", async () => {
  const threads = await Threads.open(undefined, never);
  await threads.add("C1", "1.1");
  assert.equal(threads.has("C1", "1.1"), true);
});
