import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { createSystemClock } from "../../../src/adapters/clock/system.ts";
import { nodeFileSystem } from "../../../src/adapters/file-system/node.ts";
import { createFilePolicies } from "../../../src/adapters/policy/file-policies.ts";
import type { FileSystem } from "../../../src/ports/file-system.ts";
import { bash, builtin, mcp } from "../../domain/policy/rules-of.ts";
import { FailingDisk } from "../../support/failing-disk.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { until } from "../../support/until.ts";
import { collectingLog } from "./collecting-log.ts";

async function policies(t: TestContext, fileSystem: FileSystem = nodeFileSystem) {
  const folder = await temporaryFolder(t);
  const home = join(folder, "agents", "one");
  await mkdir(home, { recursive: true });
  const workspaceFile = join(folder, "policy.yaml");
  const log = collectingLog();
  const source = createFilePolicies({ workspaceFile, fileSystem, log, clock: createSystemClock() });
  return {
    folder,
    home,
    workspaceFile,
    log,
    policy: source.of({ name: "one", home, files: new Map() }),
    inline: (files: Record<string, string> = {}) =>
      source.of({
        name: "inline",
        home: "",
        files: new Map(Object.entries(files).map(([name, text]) => [name, new TextEncoder().encode(text)])),
      }),
    write: (text: string, name = "policy.yaml") => writeFile(join(home, name), text),
  };
}

test("an edit is seen at the very next decision, even one of the same size in the same instant", async (t) => {
  const { policy, write, home } = await policies(t);
  assert.equal(policy.decide(bash("ls")).policy, "ask");
  for (let round = 0; round < 20; round += 1) {
    await write("deny: [bash:ls]\n");
    assert.equal(policy.decide(bash("ls")).policy, "deny");
    await write("allow: [bash:l]");
    await write("allow: [bash:ls]");
    assert.equal(policy.decide(bash("ls")).policy, "allow");
  }
  await rm(join(home, "policy.yaml"));
  assert.equal(policy.decide(bash("ls")).policy, "ask");
});

test("workspace, agent and local file add up, and the reason says which line of which file", async (t) => {
  const { policy, write, workspaceFile, home } = await policies(t);
  await writeFile(workspaceFile, "# ours\nmode: restrict\ndeny:\n  - bash:rm\n");
  await write("mode: ask\nallow:\n  - bash:ls *\n  # more\n  - bash:pwd\n");
  await write("allow: [bash:date]\n", "policy.local.yaml");
  const reasonOf = (line: string) => {
    const { policy: decided, reason } = policy.decide(bash(line));
    return [decided, reason.pattern, reason.file, reason.line];
  };
  assert.deepEqual(reasonOf("ls; rm x"), ["deny", "bash:rm", workspaceFile, 4]);
  assert.deepEqual(reasonOf("pwd"), ["allow", "bash:pwd", join(home, "policy.yaml"), 5]);
  assert.deepEqual(reasonOf("date"), ["allow", "bash:date", join(home, "policy.local.yaml"), 1]);
  assert.deepEqual(reasonOf("who"), ["ask", undefined, join(home, "policy.yaml"), 1]);
});

const brokenFiles: Record<string, string> = {
  "no YAML": "allow: [bash:ls",
  "an unknown key": "allow: [bash:ls]\ndenny: [bash:rm]\n",
  "an unknown mode": "mode: allowed\n",
  "a list that is none": "allow: bash:ls\n",
  "a type that is mistyped": "deny: ['bsh:rm']\n",
  "a pattern of nothing": "allow: ['bash:']\n",
  "a webhook of another kind": "notify: { deliveries: [{ type: webhook, url: 'file:///etc/passwd' }] }\n",
  "a second document": "mode: ask\n---\nmode: allow\n",
  "too many bytes": `# ${"x".repeat(256 * 1024)}\n`,
  "a bomb": `a: &a [x,x,x,x,x,x,x,x,x]\n${Array.from("bcdefghij")
    .map((to, at) => `${to}: &${to} [${`*${"abcdefghi"[at]},`.repeat(9)}]`)
    .join("\n")}\n`,
  "no UTF-8": "mode: ask # \ud800",
};

for (const [what, text] of Object.entries(brokenFiles))
  test(`a broken file denies everything and says where: ${what}`, async (t) => {
    const { policy, home, write } = await policies(t);
    const path = join(home, "policy.yaml");
    await (text.includes("\ud800") ? writeFile(path, Buffer.from([0x6d, 0xff])) : write(text));
    for (const call of [bash("ls"), builtin("read_file", "pure"), builtin("notify_user")]) {
      const { policy: decided, reason } = policy.decide(call);
      assert.deepEqual([decided, reason.rule, reason.file], ["deny", "broken", path]);
      assert.ok(reason.text.includes(path), reason.text);
    }
    const [problem] = policy.problems();
    assert.equal(problem?.file, path);
    if (what !== "too many bytes")
      assert.ok((problem?.line ?? 0) >= 1 && (problem?.column ?? 0) >= 1, JSON.stringify(problem));
    await write("allow: [bash:ls]\n");
    assert.equal(policy.decide(bash("ls")).policy, "allow");
    assert.deepEqual(policy.problems(), []);
  });

test("a broken workspace or local file denies too, with a suggestion for a near miss", async (t) => {
  const { policy, workspaceFile, write } = await policies(t);
  await write("alow: []\n", "policy.local.yaml");
  assert.match(policy.decide(bash("ls")).reason.text, /policy\.local\.yaml:1:1: .*did you mean "allow"/);
  await write("", "policy.local.yaml");
  await writeFile(workspaceFile, "mode: restrickt\n");
  const { text } = policy.decide(bash("ls")).reason;
  assert.match(text, /policy\.yaml:1:7: mode: expected one of ask, allow, restrict, found .*did you mean "restrict"/);
});

test("a file that is broken is warned of once when it is seen, and again when it is broken anew", async (t) => {
  const { policy, log, write } = await policies(t);
  const seen = (): string[] => {
    policy.decide(bash("ls"));
    policy.decide(bash("pwd"));
    return log.lines.flatMap(({ level, message }) => (level === "warn" ? [message] : []));
  };
  await write("mode: [\n");
  assert.deepEqual([seen().length, seen().length], [1, 1]);
  assert.match(seen()[0] ?? "", /^everything is denied because a policy file is broken: .*policy\.yaml:\d+:\d+: /);
  await write("mode: ask\n");
  seen();
  await write("mode: [\n");
  assert.equal(seen().length, 2);
});

test("a file that can not be read, is none, or is a link that leads out denies everything", async (t) => {
  const { policy, home, folder } = await policies(t);
  const path = join(home, "policy.yaml");
  const denied = (): void => assert.equal(policy.decide(builtin("read_file", "pure")).reason.rule, "broken");
  await mkdir(path);
  denied();
  await rm(path, { recursive: true });
  execFileSync("mkfifo", [path]);
  denied();
  await rm(path);
  await writeFile(join(folder, "outside.yaml"), "mode: allow\n");
  await symlink(join(folder, "outside.yaml"), path);
  denied();
  await rm(path);
  await symlink(join(home, "nowhere.yaml"), path);
  denied();
  await rm(path);
  await symlink("policy.yaml", path);
  denied();
  await rm(path);
  await writeFile(join(home, "mine.yaml"), "mode: allow\n");
  await symlink("mine.yaml", path);
  assert.equal(policy.decide(bash("ls")).policy, "allow");
});

test("a file that is rewritten in place, or replaced by removing it first, loosens nothing meanwhile", async (t) => {
  const { policy, home, write } = await policies(t);
  const path = join(home, "policy.yaml");
  const longAgo = new Date(Date.now() - 60_000);
  const rules = "mode: ask\ndeny: [bash:rm]\nask: [bash:pwd]\nallow: [bash:ls]\n";
  const verdicts = () => ["rm x", "pwd", "ls"].map((line) => policy.decide(bash(line)).policy);
  await write("mode: allow\n", "policy.local.yaml");
  for (const removed of [false, true]) {
    await write(rules);
    assert.deepEqual(verdicts(), ["deny", "ask", "allow"]);
    await (removed ? rm(path) : write(""));
    // What it forbids and asks holds on; what it allows does not, so that taking it away counts at once.
    assert.deepEqual(verdicts(), ["deny", "ask", "allow"]);
    await write("mode: ask\n", "policy.local.yaml");
    assert.deepEqual(verdicts(), ["deny", "ask", "ask"]);
    await write("mode: allow\n", "policy.local.yaml");
    await write(rules);
    assert.deepEqual(verdicts(), ["deny", "ask", "allow"]);
    await (removed ? rm(path) : write(""));
    await utimes(removed ? home : path, longAgo, longAgo);
    assert.deepEqual(verdicts(), ["allow", "allow", "allow"]);
  }
});

test("what an MCP tool was when it was approved is not forgotten while the file is rewritten", async (t) => {
  const { policy, write } = await policies(t);
  await write("allow: ['mcp:files__*']\n");
  await write(`mcp_fingerprints: { files__read: "${"a".repeat(64)}" }\n`, "policy.local.yaml");
  const other = mcp("files__read", "b".repeat(64));
  assert.equal(policy.decide(other).policy, "ask");
  await write("", "policy.local.yaml");
  assert.equal(policy.decide(other).policy, "ask");
});

test("an agent's folder that is gone for a moment loosens nothing", async (t) => {
  const { policy, home, write } = await policies(t);
  await write("mode: restrict\n");
  assert.equal(policy.decide(builtin("read_file", "pure")).policy, "deny");
  await rename(home, `${home}.old`);
  assert.equal(policy.decide(builtin("read_file", "pure")).policy, "deny");
});

test("a definition that came with a request tightens what the workspace says and loosens nothing of it", async (t) => {
  const { inline, workspaceFile } = await policies(t);
  await writeFile(workspaceFile, "mode: ask\nallow: [bash:ls, bash:pwd]\n");
  const policy = inline({ "policy.yaml": "mode: allow\nallow: ['bash:*']\ndeny: [bash:ls]\n" });
  assert.deepEqual(
    ["ls", "pwd", "rm x"].map((line) => policy.decide(bash(line)).policy),
    ["deny", "allow", "ask"],
  );
  assert.equal(inline({ "policy.yaml": "mode: restrict\n" }).decide(bash("who")).policy, "deny");
  assert.equal(inline({ "policy.yaml": "mode: [\n" }).decide(bash("pwd")).reason.rule, "broken");
});

test("always allow is kept: durably, for this user alone, once, and beside what a human wrote", async (t) => {
  const { policy, home, write } = await policies(t);
  const path = join(home, "policy.local.yaml");
  await policy.allowAlways(bash("git status -s | head"));
  assert.equal(policy.decide(bash("head x; git status")).policy, "allow");
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  const written = await readFile(path, "utf8");
  assert.doesNotMatch(written, /mode/);
  assert.match(written, /^allow:\n {2}- bash:git status \*\n {2}- bash:head \*\n/m);
  await policy.allowAlways(bash("head y"));
  assert.equal(await readFile(path, "utf8"), written);

  await write("# mine\nallow: # these\n  # most of all\n  - bash:ls # yes\ndeny:\n  - bash:rm\n", "policy.local.yaml");
  await Promise.all(["pwd", "date", "pwd", "who"].map((line) => policy.allowAlways(bash(line))));
  await policy.allowAlways(builtin("memory:remember"));
  assert.equal(
    await readFile(path, "utf8"),
    "# mine\nallow:\n  # these\n  # most of all\n  - bash:ls # yes\n  - bash:pwd *\n  - bash:date *\n  - bash:who *\n  - builtin:memory:remember\ndeny:\n  - bash:rm\n",
  );
  assert.equal(policy.decide(builtin("memory:remember")).policy, "allow");
});

test("an empty or flowing list takes what always allow adds", async (t) => {
  const { policy, write } = await policies(t);
  for (const text of ["allow: []\n", "allow:\n", "allow: [bash:ls]\n", "# nothing\n", "{}\n"]) {
    await write(text, "policy.local.yaml");
    await policy.allowAlways(bash("pwd"));
    assert.equal(policy.decide(bash("pwd")).policy, "allow", text);
    assert.deepEqual(policy.problems(), [], text);
  }
});

test("where nothing can be kept, always allow says so and keeps nothing", async (t) => {
  const { policy, inline, write, home } = await policies(t);
  await assert.rejects(policy.allowAlways(bash("ls > x")), { code: "conflict", message: /only be allowed this once/ });
  await assert.rejects(inline().allowAlways(bash("ls")), { code: "conflict", message: /no folder/ });
  await write("allow: [", "policy.local.yaml");
  await assert.rejects(policy.allowAlways(bash("ls")), { code: "conflict", message: /a policy file is broken/ });
  assert.equal(await readFile(join(home, "policy.local.yaml"), "utf8"), "allow: [");
});

test("a disk that fails leaves the file as it was, whole", async (t) => {
  const counting = new FailingDisk(nodeFileSystem);
  const first = await policies(t, counting);
  await first.write("allow: [bash:ls]\n", "policy.local.yaml");
  await first.policy.allowAlways(bash("pwd"));
  assert.ok(counting.calls.length >= 1);
  for (let step = 0; step < counting.calls.length; step += 1) {
    const disk = new FailingDisk(nodeFileSystem);
    const { policy, write, home } = await policies(t, disk);
    await write("allow: [bash:ls]\n", "policy.local.yaml");
    disk.failFrom(step, "ENOSPC");
    await assert.rejects(policy.allowAlways(bash("pwd")), { code: "storage-failed" });
    assert.match(
      await readFile(join(home, "policy.local.yaml"), "utf8"),
      /^allow: ?\[ ?bash:ls ?(, bash:pwd \* )?\]\n$/,
    );
    assert.deepEqual(policy.problems(), []);
  }
});

test("an MCP tool is remembered at its first use by a pattern, and asked about when it is another", async (t) => {
  const { policy, write, home } = await policies(t);
  await write("mode: ask\nallow: ['mcp:files__*']\n");
  const [old, now] = ["a".repeat(64), "b".repeat(64)];
  assert.equal(policy.decide(mcp("files__read", old)).policy, "allow");
  // At once, though the file is written later.
  assert.equal(policy.decide(mcp("files__read", now)).reason.rule, "changed");
  const local = join(home, "policy.local.yaml");
  await until("the fingerprint is kept", async () =>
    (await readFile(local, "utf8").catch(() => "")).includes(`files__read: ${old}`),
  );
  assert.equal(policy.decide(mcp("files__read", now)).policy, "ask");
  await policy.allowAlways(mcp("files__read", now));
  assert.equal(policy.decide(mcp("files__read", now)).policy, "allow");
  assert.equal(policy.decide(mcp("files__read", old)).policy, "ask");
  assert.match(await readFile(local, "utf8"), new RegExp(`files__read: ${now}`));
});
