import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { editFileTool } from "../../../../src/adapters/tools/files/edit-file.ts";
import { listFilesTool } from "../../../../src/adapters/tools/files/list-files.ts";
import { readFileTool } from "../../../../src/adapters/tools/files/read-file.ts";
import { searchFilesTool } from "../../../../src/adapters/tools/files/search-files.ts";
import { temporaryName, writeFileTool } from "../../../../src/adapters/tools/files/write-file.ts";
import { call, workbench } from "./workbench.ts";

const makers = [readFileTool, listFilesTool, searchFilesTool, writeFileTool, editFileTool];

test("what is written is read again, with folders on the way, and a repeat changes nothing", async (t) => {
  const { agent, workspace } = await workbench(t);
  const content = "one\ntwö\n";
  assert.deepEqual(await call(writeFileTool({ agent }), { path: "a/b/c.txt", content }), {
    success: true,
    outcome: "ok",
    content: "Made a/b/c.txt (9 bytes).",
  });
  const again = await call(writeFileTool({ agent }), { path: join(workspace, "a/b/c.txt"), content }, { attempt: 2 });
  assert.equal(again.content, "Replaced a/b/c.txt (9 bytes).");
  assert.equal((await call(readFileTool({ agent }), { path: "~/a/b/c.txt" })).content, content);
  assert.deepEqual(await readdir(join(workspace, "a/b")), ["c.txt"]);
  assert.equal((await stat(join(workspace, "a/b/c.txt"))).mode & 0o777, 0o600);
});

test("a file that is replaced keeps its mode, and what an interrupted attempt left is gone", async (t) => {
  const { agent, workspace } = await workbench(t);
  await mkdir(workspace, { recursive: true });
  await writeFile(join(workspace, "run"), "#!/bin/sh\n");
  await chmod(join(workspace, "run"), 0o755);
  const tool = writeFileTool({ agent });
  await writeFile(join(workspace, temporaryName({ idempotencyKey: "key-1" })), "half");
  await call(tool, { path: "run", content: "#!/bin/sh\ntrue\n" });
  assert.equal((await stat(join(workspace, "run"))).mode & 0o777, 0o755);
  await call(editFileTool({ agent }), { path: "run", old: "true", new: "false" });
  assert.equal((await stat(join(workspace, "run"))).mode & 0o777, 0o755);
  assert.deepEqual(await readdir(workspace), ["run"]);
});

test("a long file is read in parts that say how to go on", async (t) => {
  const { agent, workspace } = await workbench(t);
  await mkdir(workspace, { recursive: true });
  const lines = Array.from({ length: 5_000 }, (_, index) => `line ${index + 1}`);
  await writeFile(join(workspace, "long"), lines.join("\n"));
  const tool = readFileTool({ agent });
  const first = await call(tool, { path: "long" });
  assert.match(first.content, /line 2000\n\n\[\d+ bytes in all; go on with offset: 2001\]$/);
  const last = await call(tool, { path: "long", offset: 4_999 });
  assert.equal(last.content, "line 4999\nline 5000");
  const beyond = await call(tool, { path: "long", offset: 5_001 });
  assert.match(beyond.content, /long has 5000 lines; there is no line 5001/);
  assert.equal((await call(tool, { path: "long", offset: 7, limit: 1 })).content.split("\n")[0], "line 7");
});

test("no result is longer than 256 KiB, and every line of it can be had", async (t) => {
  const { agent, workspace } = await workbench(t);
  await mkdir(workspace, { recursive: true });
  const wide = "ä".repeat(1_000);
  await writeFile(join(workspace, "wide"), `${wide}\n`.repeat(1_000));
  const tool = readFileTool({ agent });
  let offset = 1;
  let seen = 0;
  for (;;) {
    const { content } = await call(tool, { path: "wide", offset });
    assert.ok(Buffer.byteLength(content) <= 256 * 1024 + 100);
    seen += content.split("\n").filter((line) => line === wide).length;
    const next = /go on with offset: (\d+)/.exec(content)?.[1];
    if (next === undefined) break;
    offset = Number(next);
  }
  assert.equal(seen, 1_000);
  await writeFile(join(workspace, "endless"), "x".repeat(600 * 1024));
  const cut = await call(tool, { path: "endless" });
  assert.match(cut.content, /\[line 1 is longer than what fits here and was cut\]\n\[614400 bytes in all/);
});

test("a line that lies behind 256 MiB is not looked for", async (t) => {
  const { agent, workspace } = await workbench(t);
  await mkdir(workspace, { recursive: true });
  const path = join(workspace, "sparse");
  await writeFile(path, "x".repeat(10_000));
  await truncate(path, 1024 ** 3);
  const read = await call(readFileTool({ agent }), { path: "sparse", offset: 2 });
  assert.match(read.content, /^Lines are counted up to 268435456 bytes only/);
});

test("what is no text is refused by size and type, and bytes that are no UTF-8 are replaced", async (t) => {
  const { agent, workspace } = await workbench(t);
  await mkdir(workspace, { recursive: true });
  await writeFile(join(workspace, "picture.png"), Buffer.from([137, 80, 78, 71, 0, 1, 2]));
  await writeFile(join(workspace, "latin"), Buffer.from([0x61, 0xe4, 0x62]));
  await writeFile(join(workspace, "empty"), "");
  const tool = readFileTool({ agent });
  assert.match((await call(tool, { path: "picture.png" })).content, /is no text: 7 bytes of image\/png/);
  assert.equal((await call(tool, { path: "latin" })).content, "a\uFFFDb");
  assert.deepEqual(await call(tool, { path: "empty" }), { success: true, outcome: "ok", content: "" });
});

test("an edit needs its passage exactly once, and says how often it was there", async (t) => {
  const { agent, workspace } = await workbench(t);
  await mkdir(workspace, { recursive: true });
  const path = join(workspace, "a.ts");
  await writeFile(path, "let a = 1;\nlet b = 1;\nlet c = 2;\n");
  const tool = editFileTool({ agent });
  const edit = (old: string, fresh: string, attempt = 1) => call(tool, { path: "a.ts", old, new: fresh }, { attempt });
  assert.match((await edit("= 1", "= 3")).content, /occurs 2 times/);
  assert.match((await edit("= 9", "= 3")).content, /does not occur/);
  assert.equal((await edit("= 2", "= $&")).content, "Changed a.ts, line 3.");
  assert.equal(await readFile(path, "utf8"), "let a = 1;\nlet b = 1;\nlet c = $&;\n");
  assert.match((await edit("= 2", "= $&")).content, /reads so already/);
  assert.equal((await edit("let c", "// c\nlet c")).outcome, "ok");
  assert.match((await edit("let c", "// c\nlet c", 2)).content, /reads so already/);
  assert.equal((await edit("// c\n", "")).outcome, "ok");
  assert.match((await edit("// c\n", "", 2)).content, /reads so already/);
  assert.equal((await edit("// c\n", "")).outcome, "error");
  assert.equal(await readFile(path, "utf8"), "let a = 1;\nlet b = 1;\nlet c = $&;\n");
  await writeFile(path, Buffer.from([0x61, 0xff]));
  assert.match((await edit("a", "b")).content, /is not UTF-8 text/);
});

test("a folder is listed, and a glob finds paths below it", async (t) => {
  const { agent } = await workbench(t);
  const write = writeFileTool({ agent });
  for (const path of ["src/a.ts", "src/deep/b.ts", "src/c.md", ".git/x.ts", "node_modules/y.ts", "new\nline"])
    await call(write, { path, content: "x" });
  const tool = listFilesTool({ agent });
  assert.deepEqual((await call(tool, {})).content.split("\n"), [
    ".git/",
    '"new\\nline" (1 bytes)',
    "node_modules/",
    "src/",
  ]);
  assert.equal((await call(tool, { glob: "*.ts" })).content, "src/a.ts (1 bytes)\nsrc/deep/b.ts (1 bytes)");
  assert.equal((await call(tool, { path: "src", glob: "./**/*.{md,txt}" })).content, "c.md (1 bytes)");
  assert.equal((await call(tool, { glob: "*.rs" })).content, "Nothing under . fits *.rs.");
  assert.match((await call(tool, { path: "src/a.ts" })).content, /not there: a part of the path is a file/);
});

test("more than a listing or a search may hold is cut, and it says so", async (t) => {
  const { agent, workspace } = await workbench(t);
  await mkdir(workspace, { recursive: true });
  const names = Array.from({ length: 1_001 }, (_, index) => `file-${index}`);
  await Promise.all(names.map((name) => writeFile(join(workspace, name), "needle\n")));
  for (const given of [{}, { glob: "*" }]) {
    const { content } = await call(listFilesTool({ agent }), given);
    assert.equal(content.split("\n").length, 1_001);
    assert.match(content, /\[there is more; name a folder or a narrower glob\]$/);
  }
  const found = await call(searchFilesTool({ agent }), { pattern: "needle" });
  assert.equal(found.content.split("\n").length, 201);
  assert.match(found.content, /\[there may be more/);
});

test("a search finds lines, not in binaries, big files and what others keep", async (t) => {
  const { agent, workspace } = await workbench(t);
  const write = writeFileTool({ agent });
  for (const path of ["a/one.txt", "b/two.txt", "node_modules/three.txt"])
    await call(write, { path, content: "nothing\r\nThe Needle here\r\n" });
  await writeFile(join(workspace, "binary"), "The Needle\0");
  await writeFile(join(workspace, "big"), Buffer.alloc(4 * 1024 * 1024 + 1, "The Needle\n"));
  const tool = searchFilesTool({ agent });
  const found = await call(tool, { pattern: "(?i)the n.{5}\\b" });
  assert.equal(
    found.content,
    "a/one.txt:2: The Needle here\nb/two.txt:2: The Needle here\n[1 files above 4194304 bytes were left out]",
  );
  assert.equal((await call(tool, { pattern: "Needle", path: "b" })).content, "b/two.txt:2: The Needle here");
  assert.equal((await call(tool, { pattern: "Needle", path: "b/two.txt" })).content, "b/two.txt:2: The Needle here");
  assert.equal(
    (await call(tool, { pattern: "haystack" })).content,
    "No line under . fits haystack.\n[1 files above 4194304 bytes were left out]",
  );
  assert.match((await call(tool, { pattern: "(" })).content, /Invalid regular expression.*Write a regular expression/);
});

test("wrong arguments are named and nothing is run", async (t) => {
  const { agent } = await workbench(t);
  for (const make of makers) {
    const tool = make({ agent });
    const { content, outcome } = await call(tool, { path: "x", contents: "y" });
    assert.equal(outcome, "error");
    assert.match(content, new RegExp(`^The arguments of ${tool.definition.name} are wrong`));
  }
});

test("reading tools are pure and may run side by side; writing ones are idempotent", async (t) => {
  const { agent } = await workbench(t);
  const facts = makers
    .map((make) => make({ agent }))
    .map(({ effect, parallelSafe }) => [effect, parallelSafe ?? false]);
  assert.deepEqual(facts, [
    ["pure", true],
    ["pure", true],
    ["pure", true],
    ["idempotent", false],
    ["idempotent", false],
  ]);
});
