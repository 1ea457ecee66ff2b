import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import fc from "fast-check";

import { nodeFileSystem } from "../../../../src/adapters/file-system/node.ts";
import { FileMemoryStore, type FileMemoryPlace } from "../../../../src/adapters/stores/memory/files.ts";
import { contents, dayMs, exported, note, someDay, testMemoryStore } from "../../../suites/memory-store.ts";
import { FailingDisk } from "../../../support/failing-disk.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

testMemoryStore("files", async (t) => {
  const folder = join(await temporaryFolder(t), "memory");
  return { open: async () => new FileMemoryStore({ folder, fs: nodeFileSystem }) };
});

async function world(t: TestContext, more: Partial<FileMemoryPlace> = {}) {
  const folder = await temporaryFolder(t);
  const path = (name: string) => join(folder, name);
  return {
    folder,
    store: new FileMemoryStore({ folder, fs: nodeFileSystem, ...more }),
    write: async (name: string, text: string | Uint8Array) => {
      await mkdir(dirname(path(name)), { recursive: true });
      await writeFile(path(name), text);
    },
    read: (name: string) => readFile(path(name), "utf8"),
  };
}

const byHand = `# 2026-11-21

Had a good day.

## Decisions Made

- (one) Postgres
  and not SQLite
- (urgent) call the bank

## Shopping

- milk
- bread

### and also

1. eggs

\`\`\`
## Notes
- (one) in a fence
\`\`\`
`;

test("a day's file as a human wrote it is read as it is, what the store does not know as notes", async (t) => {
  const { store, write } = await world(t);
  await write("2026-11-21.md", byHand);
  const found = await store.query("one", { limit: 10 });
  assert.deepEqual(
    found.map(({ kind, content, agent }) => ({ kind, content, agent })),
    [
      {
        kind: "note",
        content: "### and also\n\n1. eggs\n\n```\n## Notes\n- (one) in a fence\n```",
        agent: undefined,
      },
      { kind: "note", content: "## Shopping\n\n- milk\n- bread", agent: undefined },
      { kind: "decision", content: "(urgent) call the bank", agent: undefined },
      { kind: "decision", content: "Postgres\nand not SQLite", agent: "one" },
      { kind: "note", content: "Had a good day.", agent: undefined },
    ],
  );
});

test("what begins with another agent's name belongs to it, also where it was written by hand", async (t) => {
  const { store, write } = await world(t);
  await store.put("two", note("kept", { kind: "memory" }));
  await write("2026-11-21.md", "# 2026-11-21\n\n## Notes\n\n- (two) of two\n- (one) of one\n");
  assert.deepEqual(await contents(store, "one"), ["of one"]);
});

test("new entries stand at the end of their section, sections in their order", async (t) => {
  const { store, read } = await world(t);
  for (const kind of ["note", "decision", "fact", "preference", "decision"] as const)
    await store.put("one", note(`a ${kind}`, { kind, idempotencyKey: undefined }));
  assert.equal(
    (await read("2026-11-21.md")).replaceAll(" <!-- duragent -->", ""),
    [
      "# 2026-11-21\n",
      "## Decisions Made\n\n- (one) a decision\n- (one) a decision\n",
      "## Preferences Learned\n\n- (one) a preference\n",
      "## Facts Stored\n\n- (one) a fact\n",
      "## Notes\n\n- (one) a note\n",
    ].join("\n"),
  );
});

test("what a human wrote survives every write byte for byte, whatever it is", async (t) => {
  const { store, write, folder } = await world(t);
  const piece = fc.constantFrom(
    ..."# 2026-11-21\n|## Notes\n|## Decisions Made\n|## Own\n|- x\n|  y\n|\n|```\n|~~~|- (one) z\n|text|\r\n|<!-- duragent -->".split(
      "|",
    ),
  );
  const bytes = fc
    .array(
      fc.oneof(
        piece.map((text) => Buffer.from(text)),
        fc.uint8Array({ maxLength: 4 }).map((raw) => Buffer.from(raw)),
      ),
      { maxLength: 15 },
    )
    .map((parts) => Buffer.concat(parts));
  const kind = fc.constantFrom("decision", "fact", "note");
  let day = 0;
  const property = fc.asyncProperty(bytes, kind, async (before, chosen) => {
    day += 1;
    const at = someDay + day * dayMs;
    const name = `${new Date(at).toISOString().slice(0, 10)}.md`;
    await write(name, before);
    await store.put("one", note("added\n\nby the store", { at, kind: chosen as "note", idempotencyKey: `${day}` }));
    const after = await readFile(join(folder, name));
    const rest = before.subarray(commonPrefix(before, after));
    // The last line gets its end where it had none.
    const kept = [after, after.subarray(0, -1)].some((one) => one.subarray(one.length - rest.length).equals(rest));
    assert.ok(kept, `more than one piece was put in: ${JSON.stringify([before.toString(), after.toString()])}`);
    const entries = await store.query("one", { since: name.slice(0, 10), limit: 100 });
    const added = entries.filter((entry) => entry.content.includes("added\n\nby the store"));
    assert.equal(added.length, 1);
    assert.deepEqual([added[0]?.kind, added[0]?.agent], [chosen, "one"]);
  });
  await fc.assert(property, { numRuns: 150 });
});

function commonPrefix(a: Uint8Array, b: Uint8Array): number {
  const differs = a.findIndex((byte, index) => byte !== b[index]);
  return differs < 0 ? a.length : differs;
}

for (const [what, name, kind] of [
  ["a day's file", "2026-11-21.md", "note"],
  ["MEMORY.md", "agents/one/MEMORY.md", "memory"],
] as const)
  test(`what a human saves in ${what} while it is being written is not lost`, async (t) => {
    let saved = 0;
    const { store, write, read } = await world(t, {
      fs: {
        ...nodeFileSystem,
        // The new file is on the disk, and not yet in its place.
        open: async (path, mode) => {
          if (mode === "create" && saved < 3) {
            saved += 1;
            await write(name, `## Own\n\nsaved ${saved} times by hand\n`);
          }
          return nodeFileSystem.open(path, mode);
        },
      },
    });
    await store.put("one", note("from the agent", { kind }));
    assert.equal(saved, 3);
    // A text is replaced as a whole: what matters is that the store has looked at what it replaces.
    if (kind === "note")
      assert.match(await read(name), /saved 3 times by hand\n\n## Notes\n\n- \(one\) from the agent/);
    else assert.deepEqual(await contents(store, "one"), ["from the agent"]);
  });

test("a file that changes all the time is given up on, and nothing of it is lost", async (t) => {
  let count = 0;
  const { store, write, read, folder } = await world(t, {
    fs: {
      ...nodeFileSystem,
      open: async (path, mode) => {
        count += 1;
        await write("2026-11-21.md", `busy ${count}\n`);
        return nodeFileSystem.open(path, mode);
      },
    },
  });
  await assert.rejects(store.put("one", note("never")), { code: "storage-failed", message: /changed all the time/ });
  assert.equal(await read("2026-11-21.md"), `busy ${count}\n`);
  assert.deepEqual(await readdir(folder), ["2026-11-21.md"]);
});

test("a repeat is known by its mark also where a human has changed the entry, or moved it", async (t) => {
  const { store, read, write } = await world(t);
  await store.put("one", note("as written", { idempotencyKey: "k" }));
  const edited = (await read("2026-11-21.md")).replace("as written", "as corrected").replace("## Notes", "## Mine");
  await write("2026-11-21.md", edited);
  await store.put("one", note("as written", { idempotencyKey: "k" }));
  assert.equal(await read("2026-11-21.md"), edited);
  assert.deepEqual(await contents(store, "one"), ["as corrected", "## Mine"]);
});

test("what is kept for an agent or the world can be read and edited without the store", async (t) => {
  const { store, read, write } = await world(t);
  await store.put("one", note("# Me\n\nI like tea.", { kind: "memory", idempotencyKey: "k" }));
  assert.match(await read("agents/one/MEMORY.md"), /^# Me\n\nI like tea\.\n\n<!-- duragent [0-9a-f]{12} -->\n$/);
  await write("agents/one/MEMORY.md", `${await read("agents/one/MEMORY.md")}And coffee.\n`);
  await store.put("one", note("# Me\n\nI like tea.", { kind: "memory", idempotencyKey: "k" }));
  assert.deepEqual(await contents(store, "one"), ["# Me\n\nI like tea.\n\nAnd coffee."]);
});

test("the memory of Duragent 0.5 is read and never written", async (t) => {
  const home = await temporaryFolder(t);
  const { store } = await world(t, { agentHome: async (agent) => (agent === "one" ? home : undefined) });
  await mkdir(join(home, "memory/daily"), { recursive: true });
  await writeFile(join(home, "memory/MEMORY.md"), "What I was.\n");
  const daily = "# 2026-11-20\n\n## 09:15\n\nMorning.\n\n## 17:40\n\nEvening.\n\n- with a list\n";
  await writeFile(join(home, "memory/daily/2026-11-20.md"), daily);
  await store.put("one", note("today"));
  assert.deepEqual(await contents(store, "one"), ["What I was.", "today", "Evening.\n\n- with a list", "Morning."]);
  assert.deepEqual(await contents(store, "two"), []);
  await store.put("one", note("What I am.", { kind: "memory" }));
  assert.deepEqual(await contents(store, "one", ["memory"]), ["What I am."]);
  assert.equal(await readFile(join(home, "memory/MEMORY.md"), "utf8"), "What I was.\n");
  assert.deepEqual(
    [...(await exported(store, "one")).keys()],
    ["agents/one/MEMORY.md", "2026-11-21.md", "agents/one/daily/2026-11-20.md"],
  );
});

test("no link in an agent's folder leads memory out of it, and nothing is waited for", async (t) => {
  const outside = await temporaryFolder(t);
  const home = await temporaryFolder(t);
  const { store } = await world(t, { agentHome: async () => home });
  await writeFile(join(outside, "key"), "not for agents");
  await mkdir(join(outside, "daily"));
  await writeFile(join(outside, "daily/2026-11-20.md"), "nor this");
  await mkdir(join(home, "memory"));
  await symlink(join(outside, "key"), join(home, "memory/MEMORY.md"));
  await symlink(join(outside, "daily"), join(home, "memory/daily"));
  assert.deepEqual(await contents(store, "one"), []);
  assert.deepEqual([...(await exported(store, "one")).keys()], []);
  await rm(join(home, "memory/MEMORY.md"));
  spawnSync("mkfifo", [join(home, "memory/MEMORY.md")]);
  assert.deepEqual(await contents(store, "one"), []);
});

test("the world has a bound, and so has an answer", async (t) => {
  const { store, write } = await world(t);
  const text = "x".repeat(200 * 1024);
  for (let index = 0; index < 1_000; index += 1) await write(`world/topic-${index}.md`, index < 40 ? text : "x");
  await assert.rejects(store.put("one", note("x", { kind: "world", topic: "one-more" })), {
    code: "bad-request",
    message: /1000 topics already/,
  });
  await store.put("one", note("y", { kind: "world", topic: "topic-7" }));
  const found = await store.query("one", { kinds: ["world"], limit: 1_000 });
  const bytes = found.reduce((sum, entry) => sum + entry.content.length, 0);
  assert.ok(bytes > 3 * 1024 * 1024 && bytes <= 4 * 1024 * 1024, `${bytes} bytes`);
});

test("known secrets are neither stored nor read", async (t) => {
  const redact = (text: string) => text.replaceAll("hunter2hunter2", "***");
  const { store, read, write } = await world(t, { redact });
  await store.put("one", note("the key is hunter2hunter2"));
  assert.doesNotMatch(await read("2026-11-21.md"), /hunter2/);
  await write("world/keys.md", "by hand: hunter2hunter2\n");
  assert.deepEqual(await contents(store, "one"), ["by hand: ***", "the key is ***"]);
  for (const text of (await exported(store, "one")).values()) assert.doesNotMatch(text, /hunter2/);
});

test("a disk that fails is named, what was there stays, and it works again once there is room", async (t) => {
  const disk = new FailingDisk(nodeFileSystem);
  const { store, read } = await world(t, { fs: disk });
  await store.put("one", note("before"));
  const before = await read("2026-11-21.md");
  disk.fail({ operation: "write", code: "ENOSPC", times: 1 });
  await assert.rejects(store.put("one", note("no room")), { code: "storage-full", message: /free some space/ });
  disk.fail({ operation: "sync", code: "EIO", times: 1 });
  await assert.rejects(store.put("one", note("no sync")), { code: "storage-failed" });
  assert.equal(await read("2026-11-21.md"), before);
  await store.put("one", note("after"));
  assert.deepEqual(await contents(store, "one"), ["after", "before"]);
});
