import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test, type TestContext } from "node:test";

import type { ArtifactStore } from "../../src/ports/artifact-store.ts";
import { DuragentError } from "../../src/schema/problem.ts";

/** Opens the store again on what is there: a restart of the process. */
export type ArtifactStoreFactory = (t: TestContext) => Promise<{ open(): Promise<ArtifactStore> }>;

/** Content as a stream of these pieces. */
export async function* pieces(...content: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const piece of content) yield typeof piece === "string" ? new TextEncoder().encode(piece) : piece;
}

export async function bytesOf(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(content));
}

async function textOf(store: ArtifactStore, agent: string, name: string): Promise<string | undefined> {
  const ref = await store.find(agent, name);
  return ref && (await bytesOf(store.get(ref))).toString();
}

const namesOf = async (store: ArtifactStore, query: Partial<Parameters<ArtifactStore["list"]>[1]> = {}) =>
  (await store.list("one", { limit: 100, ...query })).map(({ name }) => name);

/** What every backend of the artifact store promises. */
export function testArtifactStore(kind: string, make: ArtifactStoreFactory): void {
  test(`${kind}: what was put is there whole, with its facts, also after a restart`, async (t) => {
    const { open } = await make(t);
    const content = Buffer.concat([Buffer.from("hé "), Buffer.from([0, 255, 254, 10])]);
    const ref = await (
      await open()
    ).put("one", "a.bin", pieces("hé ", Buffer.from([0, 255, 254, 10])), {
      content_type: "application/x-test",
      session_id: "session_1",
    });
    assert.equal(ref.name, "a.bin");
    assert.deepEqual(
      { ...ref.meta, created_at: "" },
      {
        content_type: "application/x-test",
        bytes: content.length,
        sha256: createHash("sha256").update(content).digest("hex"),
        created_at: "",
        session_id: "session_1",
      },
    );
    const store = await open();
    assert.deepEqual(await store.find("one", "a.bin"), ref);
    assert.deepEqual(await store.list("one", { limit: 10 }), [ref]);
    assert.deepEqual(await bytesOf(store.get(ref)), content);
  });

  test(`${kind}: of a range the bytes from its start up to its end come, as far as there are any`, async (t) => {
    const store = await (await make(t)).open();
    const ref = await store.put("one", "digits", pieces("01234", "56789"), {});
    const part = async (range: { start: number; end?: number }) => (await bytesOf(store.get(ref, range))).toString();
    assert.equal(await part({ start: 0 }), "0123456789");
    assert.equal(await part({ start: 3, end: 7 }), "3456");
    assert.equal(await part({ start: 8 }), "89");
    assert.equal(await part({ start: 8, end: 100 }), "89");
    assert.equal(await part({ start: 10 }), "");
    const empty = await store.put("one", "empty", pieces(), {});
    assert.equal((await bytesOf(store.get(empty))).length, 0);
  });

  test(`${kind}: a large artifact comes back in pieces, byte for byte`, async (t) => {
    const store = await (await make(t)).open();
    const piece = Buffer.from(Array.from({ length: 100_003 }, (_, index) => index % 251));
    const ref = await store.put("one", "large", pieces(...Array.from({ length: 20 }, () => piece)), {});
    const hash = createHash("sha256");
    for await (const chunk of store.get(ref)) {
      assert.ok(chunk.length <= 1024 * 1024);
      hash.update(chunk);
    }
    assert.equal(hash.digest("hex"), ref.meta.sha256);
    const middle = await bytesOf(store.get(ref, { start: 1_000_000, end: 1_000_010 }));
    assert.deepEqual(
      [...middle],
      Array.from({ length: 10 }, (_, index) => ((1_000_000 + index) % 100_003) % 251),
    );
  });

  test(`${kind}: another of the same name takes its place, and two at once leave one whole`, async (t) => {
    const store = await (await make(t)).open();
    await store.put("one", "a", pieces("first"), { content_type: "text/plain" });
    await store.put("one", "a", pieces("second"), { content_type: "text/markdown" });
    assert.equal(await textOf(store, "one", "a"), "second");
    assert.equal((await store.find("one", "a"))?.meta.content_type, "text/markdown");
    const writes = Array.from({ length: 8 }, (_, index) =>
      store.put("one", "a", pieces(`${index}`.repeat(index + 1)), { content_type: `text/x-${index}` }),
    );
    await Promise.all(writes);
    const text = (await textOf(store, "one", "a")) ?? "";
    assert.equal((await store.find("one", "a"))?.meta.content_type, `text/x-${text.charAt(0)}`);
    assert.equal(text.length, Number(text.charAt(0)) + 1);
  });

  test(`${kind}: what was replaced since it was found is not given out as what it was`, async (t) => {
    const store = await (await make(t)).open();
    const ref = await store.put("one", "a", pieces("first"), {});
    await store.put("one", "a", pieces("other"), {});
    await assert.rejects(bytesOf(store.get(ref)), { code: "conflict" });
    await store.put("one", "a", pieces("longer than that"), {});
    await assert.rejects(bytesOf(store.get(ref, { start: 1 })), { code: "conflict" });
  });

  test(`${kind}: a stream that fails leaves what was there before`, async (t) => {
    const { open } = await make(t);
    const store = await open();
    await store.put("one", "a", pieces("before"), {});
    async function* broken() {
      yield* pieces("half");
      throw new DuragentError("bad-request", "the client hung up");
    }
    await assert.rejects(store.put("one", "a", broken(), {}), { code: "bad-request", message: "the client hung up" });
    await assert.rejects(store.put("one", "b", broken(), {}), { code: "bad-request" });
    assert.equal(await textOf(store, "one", "a"), "before");
    assert.deepEqual(await namesOf(await open()), ["a"]);
  });

  test(`${kind}: names are data, whatever they look like`, async (t) => {
    const store = await (await make(t)).open();
    const names = [
      "outputs/x.txt",
      "../../etc/passwd",
      "...",
      ".hidden",
      "/",
      "a\\b",
      "50%.txt",
      "%2e%2e%2fx",
      "a.meta.yaml",
      "a",
      "ü 漢 🙂.md",
      "con",
      " ",
      "-rf",
      "x".repeat(240),
    ];
    for (const name of names) await store.put("one", name, pieces(`of ${name}`), {});
    assert.deepEqual(
      await namesOf(store),
      names.toSorted((a, b) => (a < b ? -1 : 1)),
    );
    for (const name of names) assert.equal(await textOf(store, "one", name), `of ${name}`);
    for (const name of [
      "",
      ".",
      "..",
      "a\0b",
      "a\nb",
      "\u{1f}",
      "\ud800",
      "x".repeat(241),
      "/".repeat(100),
      "ü".repeat(130),
    ]) {
      await assert.rejects(store.put("one", name, pieces("x"), {}), { code: "bad-request" }, JSON.stringify(name));
      assert.equal(await store.find("one", name), undefined);
    }
    assert.equal((await namesOf(store)).length, names.length);
  });

  test(`${kind}: an agent sees its own artifacts only`, async (t) => {
    const store = await (await make(t)).open();
    await store.put("one", "a", pieces("of one"), {});
    await store.put("two", "a", pieces("of two"), {});
    assert.equal(await textOf(store, "one", "a"), "of one");
    assert.equal(await textOf(store, "two", "a"), "of two");
    assert.deepEqual(await store.list("three", { limit: 10 }), []);
    assert.notEqual((await store.find("one", "a"))?.id, (await store.find("two", "a"))?.id);
  });

  test(`${kind}: a list is in order of names and can be gone on with`, async (t) => {
    const store = await (await make(t)).open();
    for (const name of ["b/2", "a", "b/1", "c", "b/3"]) await store.put("one", name, pieces(name), {});
    assert.deepEqual(await namesOf(store), ["a", "b/1", "b/2", "b/3", "c"]);
    assert.deepEqual(await namesOf(store, { prefix: "b/" }), ["b/1", "b/2", "b/3"]);
    assert.deepEqual(await namesOf(store, { prefix: "b/", limit: 2 }), ["b/1", "b/2"]);
    assert.deepEqual(await namesOf(store, { prefix: "b/", limit: 2, after: "b/2" }), ["b/3"]);
    assert.deepEqual(await namesOf(store, { prefix: "d" }), []);
  });

  test(`${kind}: what is deleted is gone, and a second time there was nothing`, async (t) => {
    const { open } = await make(t);
    const store = await open();
    const ref = await store.put("one", "a/b", pieces("x"), {});
    await store.delete(ref);
    await store.delete(ref);
    assert.equal(await (await open()).find("one", "a/b"), undefined);
    await assert.rejects(bytesOf(store.get(ref)), { code: "not-found" });
  });

  test(`${kind}: with a session goes what it made, and nothing else`, async (t) => {
    const store = await (await make(t)).open();
    await store.put("one", "mine", pieces("x"), { session_id: "session_1" });
    await store.put("one", "mine too", pieces("x"), { session_id: "session_1" });
    await store.put("one", "another's", pieces("x"), { session_id: "session_2" });
    await store.put("one", "nobody's", pieces("x"), {});
    await store.put("two", "of another agent", pieces("x"), { session_id: "session_1" });
    await store.deleteOfSession("one", "session_1");
    await store.deleteOfSession("one", "session_1");
    await store.deleteOfSession("three", "session_1");
    assert.deepEqual(await namesOf(store), ["another's", "nobody's"]);
    assert.equal((await store.list("two", { limit: 10 })).length, 1);
  });
}
