import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { nodeFileSystem } from "../../../../src/adapters/file-system/node.ts";
import { openArtifactStore } from "../../../../src/adapters/stores/registry.ts";
import { artifactFileName, artifactNameOf } from "../../../../src/domain/artifact.ts";
import { redactor } from "../../../../src/domain/redact.ts";
import type { ArtifactStore } from "../../../../src/ports/artifact-store.ts";
import type { FileSystem } from "../../../../src/ports/file-system.ts";
import { bytesOf, pieces, testArtifactStore } from "../../../suites/artifact-store.ts";
import { FailingDisk } from "../../../support/failing-disk.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const storeIn = (folder: string, fs: FileSystem = nodeFileSystem): Promise<ArtifactStore> =>
  openArtifactStore("filesystem", { folder: join(folder, "artifacts"), fs, clock: new ManualClock() });

testArtifactStore("files", async (t) => {
  const folder = await temporaryFolder(t);
  return { open: () => storeIn(folder) };
});

testArtifactStore("redacted", async (t) => {
  const folder = await temporaryFolder(t);
  const { redactedArtifacts } = await import("../../../../src/adapters/stores/artifacts/redacted.ts");
  const secrets = redactor(["never-in-these-tests"]);
  return { open: async () => redactedArtifacts(await storeIn(folder), () => secrets.byteStream()) };
});

async function textIn(store: ArtifactStore, name: string): Promise<string | undefined> {
  const ref = await store.find("one", name);
  return ref && (await bytesOf(store.get(ref))).toString();
}

test("files: an artifact is one file beside its facts, for its owner only", async (t) => {
  const folder = await temporaryFolder(t);
  const store = await storeIn(folder);
  await store.put("one", "outputs/x.txt", pieces("hello"), { session_id: "session_1" });
  const inside = join(folder, "artifacts/one");
  assert.deepEqual((await readdir(inside)).toSorted(), ["outputs%2Fx.txt", "outputs%2Fx.txt.meta.yaml"]);
  assert.equal(await readFile(join(inside, "outputs%2Fx.txt"), "utf8"), "hello");
  const meta = await readFile(join(inside, "outputs%2Fx.txt.meta.yaml"), "utf8");
  assert.match(
    meta,
    /^name: outputs\/x.txt\ncontent_type: text\/plain; charset=utf-8\nbytes: 5\nsha256: [0-9a-f]{64}\n/,
  );
  assert.equal((await stat(inside)).mode & 0o777, 0o700);
  assert.equal((await stat(join(inside, "outputs%2Fx.txt"))).mode & 0o777, 0o600);
});

test("files: a file that somebody put there is served, its facts computed; links, pipes and folders are not", async (t) => {
  const folder = await temporaryFolder(t);
  const store = await storeIn(folder);
  const inside = join(folder, "artifacts/one");
  await mkdir(join(inside, "folder"), { recursive: true });
  await writeFile(join(inside, "notes.md"), "by hand");
  await writeFile(join(inside, "50%.txt"), "by hand too");
  await writeFile(join(folder, "outside"), "the canary");
  await symlink(join(folder, "outside"), join(inside, "link"));
  execFileSync("mkfifo", [join(inside, "pipe")]);
  const refs = await store.list("one", { limit: 10 });
  assert.deepEqual(
    refs.map(({ name, meta }) => [name, meta.bytes, meta.content_type.split(";")[0]]),
    [
      ["50%.txt", 11, "text/plain"],
      ["notes.md", 7, "text/markdown"],
    ],
  );
  assert.equal(await textIn(store, "50%.txt"), "by hand too");
  for (const name of ["link", "pipe", "folder"]) assert.equal(await store.find("one", name), undefined);
  await writeFile(join(inside, "notes.md"), "changed by hand");
  assert.equal(await textIn(store, "notes.md"), "changed by hand");
  await store.put("one", "50%.txt", pieces("put"), {});
  assert.equal(await textIn(store, "50%.txt"), "put");
  await store.put("one", "link", pieces("put"), {});
  assert.equal(await readFile(join(folder, "outside"), "utf8"), "the canary");
});

test("files: content that changed by itself is not given out as what was stored", async (t) => {
  const folder = await temporaryFolder(t);
  const store = await storeIn(folder);
  const ref = await store.put("one", "a", pieces("stored"), {});
  await writeFile(join(folder, "artifacts/one/a"), "rotten");
  await assert.rejects(bytesOf(store.get(ref)), { code: "storage-failed", message: /does not hold what was stored/ });
});

test("files: an artifact gets its name after its content and its facts were synced", async (t) => {
  const folder = await temporaryFolder(t);
  const disk = new FailingDisk(nodeFileSystem);
  const store = await storeIn(folder, disk);
  disk.calls.length = 0;
  await store.put("one", "a", pieces("x", "y"), {});
  const steps = disk.calls.map(({ operation, path }) => `${operation} ${path.replace(/.*\/(\.put-)?\w*/, "$1")}`);
  const firstRename = steps.findIndex((step) => step.startsWith("rename"));
  const before = steps.slice(0, firstRename);
  assert.deepEqual(
    before.filter((step) => step.startsWith("sync")),
    ["syncFolder ", "sync .put-", "sync .put-.meta.yaml", "syncFolder "],
  );
  assert.deepEqual(
    steps.slice(firstRename).filter((step) => /^(rename|sync)/.test(step)),
    ["rename .put-", "rename .put-.meta.yaml", "syncFolder "],
  );
});

test("files: a disk that fails at any step leaves the old artifact or the new one, whole, and the next attempt succeeds", async (t) => {
  const before = { content_type: "text/before", session_id: "session_1" };
  const after = { content_type: "text/after", session_id: "session_2" };
  const counted = await temporaryFolder(t);
  const counting = new FailingDisk(nodeFileSystem);
  const store = await storeIn(counted, counting);
  await store.put("one", "a", pieces("before"), before);
  counting.calls.length = 0;
  await store.put("one", "a", pieces("af", "ter"), after);
  const steps = counting.calls.length;
  assert.ok(steps > 8);
  const outcomes = new Set<string>();
  for (let step = 0; step < steps; step += 1) {
    const folder = await temporaryFolder(t);
    await (await storeIn(folder)).put("one", "a", pieces("before"), before);
    const disk = new FailingDisk(nodeFileSystem);
    const failing = await storeIn(folder, disk);
    disk.calls.length = 0;
    disk.failFrom(step, "ENOSPC");
    await assert.rejects(failing.put("one", "a", pieces("af", "ter"), after), { code: "storage-full" }, `step ${step}`);
    const opened = await storeIn(folder);
    const found = `${await textIn(opened, "a")} ${(await opened.find("one", "a"))?.meta.content_type}`;
    assert.ok(["before text/before", "after text/after"].includes(found), `step ${step}: ${found}`);
    outcomes.add(found);
    assert.deepEqual((await readdir(join(folder, "artifacts/one"))).toSorted(), ["a", "a.meta.yaml"], `step ${step}`);
    await opened.put("one", "a", pieces("after"), after);
    assert.equal(await textIn(opened, "a"), "after");
  }
  assert.equal(outcomes.size, 2);
});

test("files: what is written short goes on where it stopped", async (t) => {
  const disk = new FailingDisk(nodeFileSystem);
  const store = await storeIn(await temporaryFolder(t), disk);
  disk.fail({ operation: "write", shortBytes: 3 });
  await store.put("one", "a", pieces("hello", " there"), {});
  assert.equal(await textIn(store, "a"), "hello there");
});

test("files: what a crash left is finished or cleared away when the store is opened", async (t) => {
  const folder = await temporaryFolder(t);
  const inside = join(folder, "artifacts/one");
  const first = await storeIn(folder);
  await first.put("one", "named", pieces("content"), { content_type: "text/x-mine", session_id: "session_1" });
  await first.put("one", "gone", pieces("content"), {});
  // It died before the content was named; between content and facts; and while it removed.
  await writeFile(join(inside, ".put-01A"), "half");
  await writeFile(join(inside, ".put-01B"), "whole");
  await writeFile(join(inside, ".put-01B.meta.yaml"), await readFile(join(inside, "gone.meta.yaml")));
  await nodeFileSystem.rename(join(inside, "named.meta.yaml"), join(inside, ".put-01C.meta.yaml"));
  await nodeFileSystem.remove(join(inside, "gone"));
  await writeFile(join(inside, "mine.meta.yaml"), "a note of a human: not ours\n");
  const store = await storeIn(folder);
  assert.deepEqual((await readdir(inside)).toSorted(), ["mine.meta.yaml", "named", "named.meta.yaml"]);
  assert.equal((await store.find("one", "named"))?.meta.content_type, "text/x-mine");
});

test("files: names become files and back, one for each", () => {
  const names = [
    "a",
    "a/b",
    "..",
    ".",
    ".put-x",
    "a.meta.yaml",
    "%",
    "%2F",
    "%252F",
    "a\\b",
    ".meta.yaml",
    "a%2Emeta.yaml",
  ];
  const files = names.map(artifactFileName);
  assert.equal(new Set(files).size, names.length);
  assert.deepEqual(files.map(artifactNameOf), names);
  for (const file of files) assert.doesNotMatch(file, /^\.|\/|\\|\.meta\.yaml$/);
});

test("redacted: secrets never reach the disk, in whatever pieces they come, and other bytes stay as they are", async (t) => {
  const folder = await temporaryFolder(t);
  const secrets = redactor(["sk-1234567890", "pässwörd-漢"]);
  const place = { folder: join(folder, "artifacts"), fs: nodeFileSystem, clock: new ManualClock() };
  const store = await openArtifactStore("filesystem", { ...place, redactBytes: () => secrets.byteStream() });
  const binary = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
  const content = Buffer.concat([
    binary,
    Buffer.from("key=sk-1234567890;"),
    binary,
    Buffer.from("pässwörd-漢"),
    binary,
  ]);
  const expected = Buffer.concat([binary, Buffer.from("key=***;"), binary, Buffer.from("***"), binary]);
  for (const size of [1, 7, 4096]) {
    const cut = Array.from({ length: Math.ceil(content.length / size) }, (_, n) =>
      content.subarray(n * size, (n + 1) * size),
    );
    const ref = await store.put("one", "a", pieces(...cut), {});
    assert.deepEqual(await bytesOf(store.get(ref)), expected);
  }
});
