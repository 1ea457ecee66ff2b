import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { link, mkdir, readdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";

import { editFileTool } from "../../../../src/adapters/tools/files/edit-file.ts";
import { listFilesTool } from "../../../../src/adapters/tools/files/list-files.ts";
import { OpenFolder } from "../../../../src/adapters/tools/files/open-inside.ts";
import { PatternWorker } from "../../../../src/adapters/tools/files/pattern-worker.ts";
import { readFileTool } from "../../../../src/adapters/tools/files/read-file.ts";
import { resolvePath } from "../../../../src/adapters/tools/files/resolve-path.ts";
import { searchFilesTool } from "../../../../src/adapters/tools/files/search-files.ts";
import { writeFileTool } from "../../../../src/adapters/tools/files/write-file.ts";
import { call, workbench } from "./workbench.ts";

type Bench = Awaited<ReturnType<typeof workbench>>;

/** A workspace with every trap in it that a command of the agent could set, and what must stay as it is around it. */
async function trapped(t: Parameters<typeof workbench>[0]): Promise<Bench> {
  const bench = await workbench(t);
  const { folder, workspace, skills } = bench;
  await mkdir(join(workspace, "dir"), { recursive: true });
  await mkdir(join(folder, "outside"));
  await writeFile(join(folder, "outside/secret"), "the canary");
  await writeFile(join(skills, "SKILL.md"), "read me");
  await writeFile(join(workspace, "real"), "inside");
  const links: Record<string, string> = {
    "to-folder": join(folder, "outside"),
    "to-file": join(folder, "outside/secret"),
    "to-new": join(folder, "outside/new"),
    "to-parent": "..",
    "to-root": "/",
    "to-self": "to-self",
    "to-proc": "/proc/self",
    "to-inside": "real",
    "to-dir": "dir",
    "dir/up": "../../../outside",
  };
  for (const [name, target] of Object.entries(links)) await symlink(target, join(workspace, name));
  await symlink(join(folder, "outside/secret"), join(skills, "leak"));
  return bench;
}

const ways = (bench: Bench): string[] => [
  "..",
  "../../outside/secret",
  "dir/../../../outside/secret",
  "/etc/passwd",
  "/proc/self/environ",
  "/dev/null",
  "/",
  "~/../../outside/secret",
  "~root/x",
  join(bench.folder, "outside/secret"),
  `${bench.workspace}/../../outside/secret`,
  `${bench.workspace}-other/secret`,
  "to-folder/secret",
  "to-folder/new",
  "to-file",
  "to-new",
  "to-parent/x",
  "to-root/etc/passwd",
  "to-self",
  "to-proc/environ",
  "to-proc/root/etc/passwd",
  "dir/up/secret",
  "to-dir/up/secret",
  "real\0.txt",
  `${"x/".repeat(3_000)}y`,
  "x".repeat(300),
  "..\\..\\outside\\secret",
  "%2e%2e/%2e%2e/outside/secret",
  join(bench.skills, "leak"),
];

test("no path leads a reading tool out of the workspace and its readable folders", async (t) => {
  const bench = await trapped(t);
  const { agent } = bench;
  for (const path of ways(bench)) {
    for (const tool of [readFileTool({ agent }), searchFilesTool({ agent }), listFilesTool({ agent })]) {
      const { content, outcome } = await call(tool, {
        path,
        ...(tool.definition.name === "search_files" ? { pattern: "." } : {}),
      });
      assert.equal(outcome, "error", `${tool.definition.name} ${path}: ${content}`);
      assert.doesNotMatch(content, /canary|root:/);
    }
  }
  const found = await call(searchFilesTool({ agent }), { pattern: "canary|root:" });
  assert.match(found.content, /^No line/);
  assert.doesNotMatch((await call(listFilesTool({ agent }), { glob: "**" })).content, /secret \(/);
  assert.equal((await call(readFileTool({ agent }), { path: "to-inside" })).content, "inside");
  assert.equal((await call(readFileTool({ agent }), { path: join(bench.skills, "SKILL.md") })).content, "read me");
});

test("no path leads a writing tool out of the workspace, or through a link", async (t) => {
  const bench = await trapped(t);
  const { agent, folder, skills, workspace } = bench;
  const refused = [...ways(bench), "to-inside", "to-dir", "dir", ".", join(skills, "SKILL.md")];
  // These are names like any other in the workspace.
  const harmless = new Set(["..\\..\\outside\\secret", "%2e%2e/%2e%2e/outside/secret", "~root/x"]);
  for (const path of refused) {
    const written = await call(writeFileTool({ agent }), { path, content: "changed" });
    assert.equal(written.outcome, harmless.has(path) ? "ok" : "error", `write ${path}: ${written.content}`);
    if (harmless.has(path)) continue;
    const edited = await call(editFileTool({ agent }), { path, old: "a", new: "changed" });
    assert.equal(edited.outcome, "error", `edit ${path}`);
  }
  assert.deepEqual(await readdir(join(folder, "outside")), ["secret"]);
  assert.equal(await readFile(join(folder, "outside/secret"), "utf8"), "the canary");
  assert.equal(await readFile(join(skills, "SKILL.md"), "utf8"), "read me");
  assert.equal(await readFile(join(workspace, "real"), "utf8"), "inside");
  assert.deepEqual((await readdir(folder)).toSorted(), ["outside", "skills", "workspace"]);
});

test("a hard link is replaced, and what it shared its content with is not", async (t) => {
  const { agent, folder, workspace } = await trapped(t);
  await link(join(folder, "outside/secret"), join(workspace, "shared"));
  await call(writeFileTool({ agent }), { path: "shared", content: "changed" });
  await link(join(folder, "outside/secret"), join(workspace, "shared too"));
  await call(editFileTool({ agent }), { path: "shared too", old: "canary", new: "changed" });
  assert.equal(await readFile(join(workspace, "shared too"), "utf8"), "the changed");
  assert.equal(await readFile(join(folder, "outside/secret"), "utf8"), "the canary");
});

test("a folder that becomes a link after its path was checked is not entered", async (t) => {
  const { agent, folder, workspace } = await trapped(t);
  await writeFile(join(workspace, "dir/secret"), "mine");
  const place = await resolvePath("dir/secret", agent, "write");
  await rename(join(workspace, "dir"), join(workspace, "moved"));
  await symlink(join(folder, "outside"), join(workspace, "dir"));
  await assert.rejects(OpenFolder.at({ root: place.root, inside: "dir" }), { code: /ELOOP|ENOTDIR/ });
  await assert.rejects(OpenFolder.at({ root: place.root, inside: "dir" }, { make: true }), { code: /ELOOP|ENOTDIR/ });
});

test("an open folder stays the folder that it was, wherever its name leads meanwhile", async (t) => {
  const { folder, workspace } = await trapped(t);
  if (process.platform !== "linux") return t.diagnostic("not run: descriptors of folders have paths on Linux only");
  await using open = await OpenFolder.at({ root: workspace, inside: "dir" });
  await rename(join(workspace, "dir"), join(workspace, "moved"));
  await symlink(join(folder, "outside"), join(workspace, "dir"));
  await open.replace("secret", Buffer.from("mine"), { temporary: ".tmp" });
  assert.equal(await readFile(join(folder, "outside/secret"), "utf8"), "the canary");
  assert.equal(await readFile(join(workspace, "moved/secret"), "utf8"), "mine");
});

test("pipes, sockets and devices are named and never opened", async (t) => {
  const { agent, workspace } = await trapped(t);
  execFileSync("mkfifo", [join(workspace, "pipe")]);
  const server = createServer().listen(join(workspace, "socket"));
  t.after(() => server.close());
  for (const name of ["pipe", "socket"]) {
    for (const tool of [
      readFileTool({ agent }),
      writeFileTool({ agent }),
      editFileTool({ agent }),
      searchFilesTool({ agent }),
    ]) {
      const given = { read_file: {}, write_file: { content: "x" }, edit_file: { old: "a", new: "b" } };
      const more = Object.entries(given).find(([one]) => one === tool.definition.name)?.[1] ?? { pattern: "x" };
      const { content, outcome } = await call(tool, { path: name, ...more });
      assert.equal(outcome, "error");
      assert.match(content, new RegExp(`^${name} is a ${name}`));
    }
  }
  assert.match((await call(searchFilesTool({ agent }), { pattern: "inside" })).content, /^real:1: inside$/m);
  assert.match((await call(listFilesTool({ agent }), {})).content, /^pipe \(pipe\)$/m);
});

test("a pattern that was made to run for years is stopped, and so is one whose call was cancelled", async () => {
  const hostile = { kind: "expression", source: "^(a+)+$" } as const;
  const texts = [`${"a".repeat(60)}!`];
  const { signal } = new AbortController();
  {
    await using worker = await PatternWorker.start(hostile, { signal, timeoutMs: 300 });
    await assert.rejects(worker.match(texts, 1), { message: /takes too long here/ });
    await assert.rejects(worker.match(["a"], 1), { message: /takes too long/ });
  }
  {
    await using worker = await PatternWorker.start(
      { kind: "glob", source: `${"*a".repeat(40)}b` },
      { signal, timeoutMs: 300 },
    );
    await assert.rejects(worker.match([`${"a".repeat(200)}c`], 1), { message: /takes too long/ });
  }
  const call = new AbortController();
  await using worker = await PatternWorker.start(hostile, { signal: call.signal });
  const answer = worker.match(texts, 1);
  call.abort();
  await assert.rejects(answer, { message: "cancelled" });
});
