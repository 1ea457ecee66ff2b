import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import type { AgentStore, WholeAgent } from "../../src/ports/agent-store.ts";

/** Opens the store again on what is there: a restart of the process. */
export type AgentStoreFactory = (t: TestContext) => Promise<{ open(): AgentStore | Promise<AgentStore> }>;

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = (content: Uint8Array | undefined) => new TextDecoder().decode(content);

/** A package as it is deployed; files under `tools/` may be run. */
export function wholeAgent(files: Readonly<Record<string, string>>): WholeAgent {
  return {
    files: new Map(Object.entries(files).map(([path, content]) => [path, bytes(content)])),
    executable: new Set(Object.keys(files).filter((path) => path.startsWith("tools/") && !path.endsWith(".md"))),
  };
}

const definition = (text: string) => wholeAgent({ "agent.yaml": text });
const shown = ({ files, executable }: WholeAgent) => ({
  files: Object.fromEntries([...files].map(([path, content]) => [path, textOf(content)])),
  executable: [...executable],
});

async function readText(store: AgentStore, key: string, path = "agent.yaml"): Promise<string> {
  const read = await store.read(key);
  assert.equal(read.kind, "package");
  return read.kind === "package" ? textOf(read.files.get(path)) : "";
}

/** What every backend of the agent store promises about deployed agents and kept versions. */
export function testAgentStore(name: string, make: AgentStoreFactory): void {
  test(`${name}: what was deployed is there whole, also after a restart`, async (t) => {
    const { open } = await make(t);
    const files = {
      "SOUL.md": "I am one.",
      "agent.yaml": "name: one",
      "policy.yaml": "mode: ask",
      "tools/hello/README.md": "Says hello.",
      "tools/hello/run": "#!/bin/sh\necho hello\n",
    };
    const put = await (await open()).put("one", wholeAgent(files));
    assert.equal(put.kind, "created");
    const store = await open();
    assert.deepEqual(await store.list(), [{ key: "dynamic/one", name: "one", dynamic: true }]);
    const whole = await store.readWhole("dynamic/one");
    assert.deepEqual(whole && shown(whole), { files, executable: ["tools/hello/run"] });
    assert.equal(await readText(store, "dynamic/one", "SOUL.md"), "I am one.");
    assert.equal(put.kind === "created" && put.revision, await store.revision("one"));
  });

  test(`${name}: the same again changes nothing, something else replaces all of it`, async (t) => {
    const store = await (await make(t)).open();
    const first = await store.put("one", wholeAgent({ "agent.yaml": "a", "SOUL.md": "b" }));
    const again = await store.put("one", wholeAgent({ "SOUL.md": "b", "agent.yaml": "a" }));
    assert.deepEqual(again, { ...first, kind: "unchanged" });
    const updated = await store.put("one", definition("c"));
    assert.equal(updated.kind, "updated");
    const whole = await store.readWhole("dynamic/one");
    assert.deepEqual(whole && shown(whole).files, { "agent.yaml": "c" });
  });

  test(`${name}: with a condition only the revision that was meant is replaced`, async (t) => {
    const store = await (await make(t)).open();
    assert.equal(await store.revision("one"), null);
    assert.deepEqual(await store.put("one", definition("a"), "0".repeat(64)), { kind: "conflict", revision: null });
    assert.equal((await store.put("one", definition("a"), null)).kind, "created");
    const revision = await store.revision("one");
    assert.deepEqual(await store.put("one", definition("b"), null), { kind: "conflict", revision });
    assert.equal(await readText(store, "dynamic/one"), "a");
    assert.equal((await store.put("one", definition("b"), revision)).kind, "updated");
    assert.notEqual(await store.revision("one"), revision);
  });

  test(`${name}: of two who replace the same revision at once one succeeds`, async (t) => {
    const store = await (await make(t)).open();
    await store.put("one", definition("a"));
    const revision = await store.revision("one");
    const kinds = await Promise.all(
      ["b", "c"].map(async (text) => (await store.put("one", definition(text), revision)).kind),
    );
    assert.deepEqual(kinds.toSorted(), ["conflict", "updated"]);
  });

  test(`${name}: what is taken back is gone, and a second time there was nothing`, async (t) => {
    const { open } = await make(t);
    const store = await open();
    assert.equal(await store.delete("one"), false);
    await store.put("one", definition("a"));
    await store.put("two", definition("b"));
    assert.equal(await store.delete("one"), true);
    assert.equal(await store.delete("one"), false);
    assert.deepEqual(
      (await (await open()).list()).map(({ key }) => key),
      ["dynamic/two"],
    );
    assert.equal(await store.readWhole("dynamic/one"), undefined);
    assert.deepEqual(await store.read("dynamic/one"), { kind: "gone" });
    assert.equal(await store.revision("one"), null);
  });

  test(`${name}: names that differ in capitals only are one name`, async (t) => {
    const store = await (await make(t)).open();
    await store.put("One", definition("a"));
    assert.deepEqual(await store.put("one", definition("b")), { kind: "taken", by: "One" });
  });

  test(`${name}: a version that was kept is there again, whatever became of its agent`, async (t) => {
    const { open } = await make(t);
    const digest = "d".repeat(64);
    const version = { files: definition("a").files, home: "/there" };
    const store = await open();
    await store.putVersion(digest, version);
    await store.putVersion(digest, version);
    const kept = await (await open()).getVersion(digest);
    assert.deepEqual([kept?.home, textOf(kept?.files.get("agent.yaml"))], ["/there", "a"]);
    assert.equal(await store.getVersion("e".repeat(64)), undefined);
  });
}
