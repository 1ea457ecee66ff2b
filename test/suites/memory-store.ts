import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import fc from "fast-check";
import { unpackTar } from "modern-tar";

import type { MemoryEntry, MemoryKind, MemoryStore, NewMemory } from "../../src/ports/memory-store.ts";

/** Opens the store again on what is there: a restart of the process. */
export type MemoryStoreFactory = (t: TestContext) => Promise<{ open(): Promise<MemoryStore> }>;

export const someDay = Date.UTC(2026, 10, 21, 12);
export const dayMs = 86_400_000;

export const note = (content: string, more: Partial<NewMemory> = {}): NewMemory => ({
  kind: "note",
  content,
  at: someDay,
  ...more,
});

export const contents = async (store: MemoryStore, agent: string, kinds?: MemoryKind[]): Promise<string[]> =>
  (await store.query(agent, { limit: 1_000, ...(kinds ? { kinds } : {}) })).map((entry) => entry.content);

/** The files of an export, by name. */
export async function exported(store: MemoryStore, agent: string): Promise<Map<string, string>> {
  const archive = Buffer.concat(await Array.fromAsync(store.export(agent)));
  const files = await unpackTar(archive);
  return new Map(files.map(({ header, data }) => [header.name, new TextDecoder().decode(data)]));
}

/** What every backend of the memory store promises. */
export function testMemoryStore(name: string, make: MemoryStoreFactory): void {
  test(`${name}: each kind of memory is there again, newest first, also after a restart`, async (t) => {
    const { open } = await make(t);
    const store = await open();
    await store.put("one", note("a first thought"));
    await store.put("one", note("a later thought"));
    await store.put("one", note("a choice", { kind: "decision", at: someDay + dayMs }));
    await store.put("one", note("mine", { kind: "memory" }));
    await store.put("one", note("ours", { kind: "world", topic: "us" }));
    const found = await (await open()).query("one", { limit: 10 });
    const expected: MemoryEntry[] = [
      { kind: "memory", content: "mine", agent: "one" },
      { kind: "world", content: "ours", topic: "us" },
      { kind: "decision", content: "a choice", day: "2026-11-22", agent: "one" },
      { kind: "note", content: "a later thought", day: "2026-11-21", agent: "one" },
      { kind: "note", content: "a first thought", day: "2026-11-21", agent: "one" },
    ];
    assert.deepEqual(found, expected);
  });

  test(`${name}: an agent sees the world and its own entries, and none of another's`, async (t) => {
    const store = await (await make(t)).open();
    await store.put("one", note("private of one"));
    await store.put("one", note("kept by one", { kind: "memory" }));
    await store.put("one", note("for all", { kind: "world", topic: "all" }));
    await store.put("two", note("private of two"));
    assert.deepEqual(await contents(store, "two"), ["for all", "private of two"]);
    assert.deepEqual((await contents(store, "one")).toSorted(), ["for all", "kept by one", "private of one"]);
    for (const text of (await exported(store, "two")).values()) assert.doesNotMatch(text, /private of one|kept by one/);
  });

  test(`${name}: a question can name words, kinds, a first day and a limit`, async (t) => {
    const store = await (await make(t)).open();
    await store.put("one", note("Postgres is slow", { at: someDay - dayMs }));
    await store.put("one", note("Postgres it is", { kind: "decision" }));
    await store.put("one", note("nothing of that"));
    await store.put("one", note("Postgres at night", { kind: "world", topic: "operations" }));
    const ask = async (query: Partial<Parameters<MemoryStore["query"]>[1]>) =>
      (await store.query("one", { limit: 10, ...query })).map((entry) => entry.content);
    assert.deepEqual(await ask({ text: "POSTGRES is" }), ["Postgres it is", "Postgres is slow"]);
    assert.deepEqual(await ask({ text: "operations" }), ["Postgres at night"]);
    assert.deepEqual(await ask({ kinds: ["decision"] }), ["Postgres it is"]);
    assert.deepEqual(await ask({ kinds: ["note", "decision"], since: "2026-11-21" }), [
      "nothing of that",
      "Postgres it is",
    ]);
    assert.deepEqual(await ask({ limit: 1 }), ["Postgres at night"]);
    assert.deepEqual(await ask({ text: "absent" }), []);
  });

  test(`${name}: with the same key again nothing changes, also after a restart and past midnight`, async (t) => {
    const { open } = await make(t);
    const store = await open();
    await store.put("one", note("once", { idempotencyKey: "k" }));
    await store.put("one", note("once", { idempotencyKey: "k" }));
    await (await open()).put("one", note("once", { idempotencyKey: "k" }));
    await (await open()).put("one", note("once", { idempotencyKey: "k", at: someDay + dayMs }));
    assert.deepEqual(await contents(await open(), "one"), ["once"]);
    await store.put("one", note("once", { idempotencyKey: "other" }));
    await store.put("two", note("of two", { idempotencyKey: "k" }));
    assert.deepEqual(await contents(store, "one"), ["once", "once"]);
    assert.deepEqual(await contents(store, "two"), ["of two"]);
  });

  test(`${name}: a repeated replacement does not undo the one after it`, async (t) => {
    const { open } = await make(t);
    const store = await open();
    for (const kind of ["memory", "world"] as const) {
      const topic = { topic: "t", kind };
      await store.put("one", note("first", { ...topic, idempotencyKey: "a" }));
      await store.put("one", note("second", { ...topic, idempotencyKey: "b" }));
      await (await open()).put("one", note("first", { ...topic, idempotencyKey: "a" }));
      assert.deepEqual(await contents(store, "one", [kind]), ["second"]);
    }
  });

  test(`${name}: entries that are written at once are all kept`, async (t) => {
    const store = await (await make(t)).open();
    const texts = Array.from({ length: 20 }, (_, index) => `entry ${index}`);
    await Promise.all(texts.map((text, index) => store.put(`agent-${index % 3}`, note(text))));
    const found = await Promise.all([0, 1, 2].map((index) => contents(store, `agent-${index}`)));
    assert.deepEqual(found.flat().toSorted(), texts.toSorted());
  });

  test(`${name}: whatever is remembered comes back as it was, and breaks out of nothing`, async (t) => {
    const { open } = await make(t);
    const store = await open();
    const piece = fc.constantFrom(
      ..."## Decisions Made|# 2026-11-21|- (two) x|\n|\n\n|  |- |\t|```|~~~|<!-- duragent -->|<!--|-->|à|\u00a0|\u2028|(one) |* |\r".split(
        "|",
      ),
      "<!-- duragent 0123456789ab -->",
    );
    const hostile = fc.array(fc.oneof(piece, fc.string({ unit: "grapheme", maxLength: 5 })), { maxLength: 12 });
    let day = 0;
    const text = hostile.map((parts) => parts.join("")).filter((content) => /[^ \t\r\n\v\f]/.test(content));
    const property = fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 4 }), async (texts) => {
      day += 1;
      const at = someDay + day * dayMs;
      const since = new Date(at).toISOString().slice(0, 10);
      for (const content of texts) await store.put("one", note(content, { at }));
      for (const content of texts) await store.put("one", note(content, { at, kind: "fact" }));
      await store.put("one", note(texts.join("\n"), { kind: "memory" }));
      const found = await store.query("one", { kinds: ["note"], since, limit: 10 });
      const facts = await store.query("one", { kinds: ["fact"], since, limit: 10 });
      const expected = texts.map(asKept).toReversed();
      assert.deepEqual(
        found.map((entry) => entry.content),
        expected,
      );
      assert.deepEqual(
        facts.map((entry) => entry.content),
        expected,
      );
      assert.deepEqual(await contents(store, "one", ["memory"]), [asKept(texts.join("\n"))]);
      assert.deepEqual(await store.query("two", { limit: 10 }), []);
    });
    await fc.assert(property, { numRuns: 60 });
  });

  const refused: [string, Partial<NewMemory>, RegExp][] = [
    ["nothing", { content: " \n\t" }, /content is empty/],
    ["an entry that is too long", { content: "é".repeat(9_000) }, /18000 bytes; at most 16384/],
    ["a text that is too long", { kind: "memory", content: "x".repeat(262_145) }, /262145 bytes; at most 262144/],
    ["no topic", { kind: "world" }, /topic needs a letter or a digit/],
    ["a topic without a letter", { kind: "world", topic: "../.." }, /topic needs a letter or a digit/],
    ["a topic that is too long", { kind: "world", topic: "x".repeat(101) }, /at most 100 bytes/],
    ["a time that is none", { at: Number.NaN }, /at is no time/],
  ];
  for (const [what, more, message] of refused)
    test(`${name}: ${what} is refused, and nothing is written`, async (t) => {
      const store = await (await make(t)).open();
      await assert.rejects(store.put("one", note("x", more)), { code: "bad-request", message });
      assert.deepEqual(await contents(store, "one"), []);
    });

  test(`${name}: no agent's name and no topic leads out of the store`, async (t) => {
    const store = await (await make(t)).open();
    for (const agent of ["..", "../two", "a/b", "", "a\0b", ".hidden", "x".repeat(64)])
      await assert.rejects(store.put(agent, note("x")), { code: "bad-request" }, agent);
    for (const topic of ["../two", "a/b", "a\0b", "a\nb", ".hidden1", "Ünïcode 日本"])
      await store.put("one", note(`of ${topic.replaceAll("\0", "0")}`, { kind: "world", topic }));
    const names = [...(await exported(store, "one")).keys()];
    assert.deepEqual(names.toSorted(), [
      "world/---two.md",
      "world/-hidden1.md",
      "world/a-b.md",
      "world/Ünïcode-日本.md",
    ]);
  });

  test(`${name}: an export holds all that the agent can see, as Markdown`, async (t) => {
    const store = await (await make(t)).open();
    await store.put("one", note("a thought\nof two lines"));
    await store.put("one", note("kept", { kind: "memory" }));
    await store.put("one", note("ours", { kind: "world", topic: "us" }));
    const files = await exported(store, "one");
    assert.deepEqual([...files.keys()].toSorted(), ["2026-11-21.md", "agents/one/MEMORY.md", "world/us.md"]);
    assert.match(
      files.get("2026-11-21.md") ?? "",
      /^# 2026-11-21\n\n## Notes\n\n- \(one\) a thought.*\n {2}of two lines\n$/,
    );
    assert.equal(await exported(store, "nobody").then((all) => all.has("agents/one/MEMORY.md")), false);
  });
}

/** What a store keeps of a text: no space at its ends, nor on lines of nothing else; CRLF as LF. */
const asKept = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll("\0", "\uFFFD")
    .replaceAll(/\r+\n/g, "\n")
    .split("\n")
    .map((line) => (/^[ \t]*$/.test(line) ? "" : line))
    .join("\n")
    .replace(/^[ \t\r\n\v\f]+/, "")
    .replace(/[ \t\r\n\v\f]+$/, "");
