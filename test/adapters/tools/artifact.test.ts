import assert from "node:assert/strict";
import { readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { nodeFileSystem } from "../../../src/adapters/file-system/node.ts";
import { openArtifactStore } from "../../../src/adapters/stores/registry.ts";
import { artifactTool } from "../../../src/adapters/tools/artifact.ts";
import { writeFileTool } from "../../../src/adapters/tools/files/write-file.ts";
import { bytesOf, pieces } from "../../suites/artifact-store.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { testSessionId } from "../../support/tool-context.ts";
import { call, workbench } from "./files/workbench.ts";

async function artifactBench(t: TestContext) {
  const bench = await workbench(t);
  const place = { folder: join(bench.folder, "artifacts"), fs: nodeFileSystem, clock: new ManualClock() };
  const artifacts = await openArtifactStore("filesystem", place);
  const tool = artifactTool({ agent: bench.agent, artifacts });
  return { ...bench, artifacts, use: (given: object) => call(tool, given), tool };
}

test("a text that is put can be got and listed, and belongs to its session", async (t) => {
  const { artifacts, use } = await artifactBench(t);
  assert.equal((await use({ action: "list" })).content, "No artifacts yet.");
  assert.deepEqual(await use({ action: "put", name: "out/report.md", content: "# Hé" }), {
    success: true,
    outcome: "ok",
    content: "Stored out/report.md (5 bytes, text/markdown).",
    artifact: "out/report.md",
  });
  assert.equal((await use({ action: "get", name: "out/report.md" })).content, "# Hé");
  assert.match(
    (await use({ action: "list", prefix: "out/" })).content,
    /^out\/report\.md \(5 bytes, text\/markdown, 2026/,
  );
  assert.equal((await use({ action: "list", prefix: "x" })).content, "No artifact begins with x.");
  assert.equal((await artifacts.find("tester", "out/report.md"))?.meta.session_id, testSessionId);
});

test("a file of the workspace is put and got as it is, binary too", async (t) => {
  const { agent, workspace, use } = await artifactBench(t);
  await call(writeFileTool({ agent }), { path: "a.txt", content: "x" });
  const content = Buffer.alloc(600_000, Buffer.from([0, 1, 255]));
  await writeFile(join(workspace, "in.bin"), content);
  assert.equal((await use({ action: "put", name: "b.bin", path: "in.bin" })).outcome, "ok");
  assert.match(
    (await use({ action: "get", name: "b.bin" })).content,
    /b\.bin \(600000 bytes, .*\) is too long to be shown/,
  );
  assert.equal((await use({ action: "get", name: "b.bin", path: "copies/out.bin" })).outcome, "ok");
  assert.deepEqual(await readFile(join(workspace, "copies/out.bin")), content);
  assert.deepEqual(await readdir(join(workspace, "copies")), ["out.bin"]);
  await writeFile(join(workspace, "in.bin"), Buffer.from([1, 0, 2]));
  await use({ action: "put", name: "small.bin", path: "in.bin" });
  assert.match((await use({ action: "get", name: "small.bin" })).content, /is no text; with `path`/);
});

test("a long text is read in parts that leave no character out and none in pieces", async (t) => {
  const { artifacts, use } = await artifactBench(t);
  const whole = "line €\n".repeat(40_000);
  await use({ action: "put", name: "log.txt", content: whole });
  assert.match(
    (await use({ action: "get", name: "log.txt" })).content,
    /too long to be shown at once: `offset` and `limit`/,
  );
  let read = "";
  for (let offset: number | undefined = 0; offset !== undefined;) {
    const { content } = await use({ action: "get", name: "log.txt", offset, limit: 100_001 });
    const [head = "", ...lines] = content.split("\n");
    assert.match(head, /^\[bytes \d+ to \d+ of 360000(?:; go on with offset \d+)?\]$/);
    read += lines.join("\n");
    const next: string | undefined = /offset (\d+)\]$/.exec(head)?.[1];
    offset = next === undefined ? undefined : Number(next);
  }
  assert.equal(read, whole);
  assert.match((await use({ action: "get", name: "log.txt", offset: 360_000 })).content, /nothing comes after/);
  assert.equal((await use({ action: "get", name: "log.txt", offset: 0, path: "a" })).outcome, "error");
  await artifacts.put("tester", "x.bin", ReadableStream.from([Buffer.alloc(300_000)]), {});
  assert.match((await use({ action: "get", name: "x.bin", offset: 0 })).content, /is no text/);
});

test("nothing outside of the workspace is put or written, and what is too large is not kept", async (t) => {
  const { artifacts, folder, workspace, use } = await artifactBench(t);
  await use({ action: "put", name: "a", content: "mine" });
  await use({ action: "get", name: "a", path: "a" });
  await writeFile(join(folder, "secret"), "the canary");
  await symlink(join(folder, "secret"), join(workspace, "link"));
  for (const path of ["../../secret", "link", "/etc/passwd", "/proc/self/environ", "."]) {
    assert.equal((await use({ action: "put", name: "b", path })).outcome, "error", path);
    assert.equal((await use({ action: "get", name: "a", path })).outcome, "error", path);
  }
  assert.equal(await readFile(join(folder, "secret"), "utf8"), "the canary");
  await writeFile(join(workspace, "large"), Buffer.alloc(64 * 1024 * 1024 + 1));
  assert.match((await use({ action: "put", name: "b", path: "large" })).content, /more than 67108864 bytes/);
  assert.equal(await artifacts.find("tester", "b"), undefined);
});

test("what can not be is named: no such artifact, no such name, both or neither of content and path", async (t) => {
  const { use } = await artifactBench(t);
  assert.match((await use({ action: "get", name: "none" })).content, /There is no artifact none/);
  assert.match((await use({ action: "put", name: "a\nb", content: "" })).content, /the name holds control characters/);
  assert.match((await use({ action: "put", name: "a", content: "", path: "b" })).content, /either `content` or `path`/);
  assert.match((await use({ action: "put", name: "a" })).content, /either `content` or `path`/);
  assert.match((await use({ action: "drop", name: "a" })).content, /arguments of artifact are wrong/);
});

test("reading is pure, what stores or copies is idempotent", async (t) => {
  const { tool } = await artifactBench(t);
  const effectOf = (given: object) => tool.effectOf?.({ call_id: "1", tool_name: "artifact", arguments: { ...given } });
  assert.equal(effectOf({ action: "list" }), "pure");
  assert.equal(effectOf({ action: "get", name: "a" }), "pure");
  assert.equal(effectOf({ action: "get", name: "a", path: "b" }), "idempotent");
  assert.equal(effectOf({ action: "put", name: "a", content: "b" }), "idempotent");
  assert.equal(
    tool.describe({ call_id: "1", tool_name: "artifact", arguments: { action: "put" } }).text,
    "artifact:put",
  );
});

test("an artifact of a human is there for the agent", async (t) => {
  const { artifacts, use } = await artifactBench(t);
  const ref = await artifacts.put("tester", "brief.txt", pieces("do this"), {});
  assert.equal((await use({ action: "get", name: "brief.txt" })).content, "do this");
  assert.equal((await bytesOf(artifacts.get(ref))).toString(), "do this");
});
