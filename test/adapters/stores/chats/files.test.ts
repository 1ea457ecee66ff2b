import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { nodeFileSystem } from "../../../../src/adapters/file-system/node.ts";
import { FileChatIndex } from "../../../../src/adapters/stores/chats/files.ts";
import { SeenRows } from "../../../../src/adapters/stores/chats/seen-rows.ts";
import { openChatIndex } from "../../../../src/adapters/stores/registry.ts";
import type { FileHandle, FileSystem } from "../../../../src/ports/file-system.ts";
import { chat, idOf, seen, testChatIndex } from "../../../suites/chat-index.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

const root = await mkdtemp(join(tmpdir(), "duragent-chats-"));
after(() => rm(root, { recursive: true, force: true }));

async function place(fs: FileSystem = nodeFileSystem) {
  const clock = new ManualClock();
  const folder = join(await mkdtemp(join(root, "data-")), "gateways");
  const open = (rowsMax?: number) =>
    FileChatIndex.open({ folder, fs, clock, ...(rowsMax === undefined ? {} : { rowsMax }) });
  return { clock, folder, path: join(folder, "telegram", "seen.jsonl"), open };
}

testChatIndex("files", place);

test("the registry opens both kinds", async () => {
  const { clock, folder } = await place();
  for (const backend of ["filesystem", "memory"] as const) {
    const index = await openChatIndex(backend, { folder, fs: nodeFileSystem, clock });
    await index.note([seen(clock, "a")]);
    assert.equal(index.has(chat, "a"), true);
    await index.close();
  }
});

test("a row is a line that people can read, in a file that nobody else can", async () => {
  const { clock, path, open } = await place();
  const index = await open();
  await index.note([
    seen(clock, "chat:1", { event: { sessionId: idOf(1), seq: 4 } }),
    seen(clock, "chat:2", { dropped: "blocked" }),
  ]);
  await index.close();
  const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
  const rows = lines.map((line): unknown => {
    const { crc, ...row } = JSON.parse(line) as Record<string, unknown>;
    assert.match(String(crc), /^[0-9a-f]{8}$/);
    return row;
  });
  assert.deepEqual(rows, [
    { key: "chat:1", chat: "-100", at: "2026-11-21T12:00:00.000Z", session: idOf(1), seq: 4 },
    { key: "chat:2", chat: "-100", at: "2026-11-21T12:00:00.000Z", dropped: "blocked" },
  ]);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test("what stands behind a line that can not be read is known, but vouches for no session's events", async () => {
  const damage: ((lines: string[]) => string)[] = [
    (lines) => lines.with(1, "").join("\n"),
    (lines) => lines.with(1, "\0".repeat(lines[1]?.length ?? 0)).join("\n"),
    (lines) => lines.with(1, (lines[1] ?? "").replace("b", "x")).join("\n"),
    (lines) => lines.with(1, (lines[1] ?? "").slice(0, -5)).join("\n"),
    (lines) => lines.with(1, '{"key":"b"}').join("\n"),
  ];
  for (const damaged of damage) {
    const { clock, path, open } = await place();
    const first = await open();
    for (const [at, key] of ["a", "b", "c"].entries())
      await first.note([seen(clock, key, { event: { sessionId: idOf(1), seq: at + 1 } })]);
    await first.close();
    await writeFile(path, damaged((await readFile(path, "utf8")).split("\n")));
    // Also after the file has been written anew.
    for (let start = 0; start < 2; start += 1) {
      const index = await open();
      assert.deepEqual(
        ["a", "b", "c"].map((key) => index.has(chat, key)),
        [true, false, true],
      );
      assert.equal(index.through(idOf(1)), 1);
      await index.close();
    }
    const index = await open();
    await index.note(["b", "c"].map((key, at) => seen(clock, key, { event: { sessionId: idOf(1), seq: at + 2 } })));
    await index.close();
    assert.equal((await open()).through(idOf(1)), 3);
  }
});

test("an end that was torn off at any byte loses the row that it belongs to, and no other", async () => {
  const { clock, path, open } = await place();
  const first = await open();
  await first.note([seen(clock, "a", { event: { sessionId: idOf(1), seq: 1 } })]);
  const whole = (await stat(path)).size;
  await first.note([seen(clock, "b", { event: { sessionId: idOf(1), seq: 2 } })]);
  await first.close();
  const bytes = await readFile(path);
  for (let length = whole; length < bytes.length; length += 1) {
    await writeFile(path, bytes.subarray(0, length));
    const index = await open();
    assert.deepEqual([index.has(chat, "a"), index.has(chat, "b"), index.through(idOf(1))], [true, false, 1]);
    await index.note([seen(clock, "c", { event: { sessionId: idOf(1), seq: 3 } })]);
    await index.close();
    const again = await open();
    assert.deepEqual([again.has(chat, "c"), again.through(idOf(1))], [true, 3]);
    await again.close();
  }
});

test("the file is written anew when half of it is stale, and while it runs it takes what comes", async () => {
  const { clock, path, folder, open } = await place();
  const index = await open(100);
  const rows = Array.from({ length: 5_000 }, (_, at) =>
    seen(clock, `k${at}`, { event: { sessionId: idOf(1), seq: at + 1 } }),
  );
  for (let at = 0; at < rows.length; at += 100) await index.note(rows.slice(at, at + 100));
  assert.ok((await readFile(path, "utf8")).split("\n").length < 1_500);
  assert.deepEqual([index.has(chat, "k0"), index.has(chat, "k4999")], [false, true]);
  await index.close();
  const again = await open(100);
  assert.deepEqual([again.has(chat, "k4999"), again.through(idOf(1))], [true, 5_000]);
  await again.close();
  assert.deepEqual(await readdir(join(folder, "telegram")), ["seen.jsonl"]);
});

test("a flood of new messages is appended, and a week later half of the file is stale and it is written anew", async () => {
  const { clock, path, open } = await place();
  const index = await open();
  const note = (word: string, count: number) =>
    index.note(Array.from({ length: count }, (_, at) => seen(clock, `${word}:${at}`)));
  await note("first", 1);
  const { ino } = await stat(path);
  for (let round = 0; round < 10; round += 1) await note(`round ${round}`, 500);
  assert.equal((await stat(path)).ino, ino);
  clock.advance(8 * 24 * 3_600_000);
  await note("last", 1);
  assert.equal((await readFile(path, "utf8")).trimEnd().split("\n").length, 1);
  assert.equal(index.has(chat, "round 9:499"), false);
  await index.close();
});

test("what is too old leaves the file at the next start", async () => {
  const { clock, path, open } = await place();
  const index = await open();
  await index.note([seen(clock, "old")]);
  clock.advance(8 * 24 * 3_600_000);
  await index.note([seen(clock, "new")]);
  await index.close();
  await (await open()).close();
  const text = await readFile(path, "utf8");
  assert.ok(!text.includes('"old"') && text.includes('"new"'));
});

test("rows that can not be written are not known, and the next ones are written where they would have stood", async () => {
  let fails = false;
  const { clock, open } = await place(withWrites((write) => (fails ? refuse() : write())));
  const index = await open();
  await index.note([seen(clock, "a", { event: { sessionId: idOf(1), seq: 1 } })]);
  fails = true;
  await assert.rejects(index.note([seen(clock, "b", { event: { sessionId: idOf(1), seq: 2 } })]), {
    code: "storage-full",
  });
  assert.deepEqual([index.has(chat, "b"), index.through(idOf(1))], [false, 1]);
  fails = false;
  await index.note([seen(clock, "c", { event: { sessionId: idOf(1), seq: 3 } })]);
  await index.close();
  const again = await open();
  assert.deepEqual(
    ["a", "b", "c"].map((key) => again.has(chat, key)),
    [true, false, true],
  );
  await again.close();
});

test("a disk without room to write a file anew keeps nobody from starting", async () => {
  let fails = false;
  const { clock, path, open } = await place(withWrites((write) => (fails ? refuse() : write())));
  const index = await open();
  await index.note([seen(clock, "a"), seen(clock, "b")]);
  await index.close();
  await writeFile(path, (await readFile(path, "utf8")).replace('"a"', '"x"'));
  fails = true;
  const again = await open();
  assert.deepEqual([again.has(chat, "a"), again.has(chat, "b")], [false, true]);
  await again.close();
});

test("after a sync that failed there is no other, and nobody is told that anything is durable", async () => {
  let fails = true;
  const fs = withFile((file) => ({
    ...file,
    sync: () => (fails ? refuse() : file.sync()),
  }));
  const { clock, open } = await place(fs);
  const index = await open();
  await index.note([seen(clock, "a")]);
  await assert.rejects(index.sync("telegram"), { code: "storage-full" });
  fails = false;
  await assert.rejects(index.sync("telegram"), { code: "storage-failed" });
  await index.close();
});

test("a gateway's name never leads out of the folder", async () => {
  const { clock, folder, open } = await place();
  const names = ["..", ".", "../up", "a/b", "%2e%2e", "Ü"];
  const index = await open();
  await index.note(names.map((gateway) => seen(clock, "a", { chat: { gateway, chatId: "1" } })));
  await index.close();
  assert.deepEqual(await readdir(join(folder, "..")), ["gateways"]);
  assert.equal((await readdir(folder)).length, names.length);
  const again = await open();
  for (const gateway of names) assert.equal(again.has({ gateway, chatId: "1" }, "a"), true, gateway);
  await again.close();
});

test("memory knows the newest rows only, and looks at none of the others", () => {
  const rows = new SeenRows(1_000);
  const atMs = Date.UTC(2026, 10, 21);
  const row = (key: string) => ({ key, chat, atMs });
  for (let at = 0; at < 200_000; at += 1) rows.note(row(`k${at}`));
  assert.ok(rows.size <= 1_050, `${rows.size}`);
  assert.deepEqual([rows.has("-100", "k199999", atMs), rows.has("-100", "k0", atMs)], [true, false]);
});

const refuse = (): Promise<never> => Promise.reject(Object.assign(new Error("no space left"), { code: "ENOSPC" }));

function withFile(change: (file: FileHandle) => FileHandle): FileSystem {
  const bound = (file: FileHandle): FileHandle => ({
    path: file.path,
    size: () => file.size(),
    read: (offset, length) => file.read(offset, length),
    write: (bytes, offset) => file.write(bytes, offset),
    truncate: (length) => file.truncate(length),
    sync: () => file.sync(),
    close: () => file.close(),
  });
  return { ...nodeFileSystem, open: async (path, mode) => change(bound(await nodeFileSystem.open(path, mode))) };
}

const withWrites = (around: (write: () => Promise<number>) => Promise<number>): FileSystem =>
  withFile((file) => ({ ...file, write: (bytes, offset) => around(() => file.write(bytes, offset)) }));
