import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { alwaysPatterns } from "../../../src/domain/policy/always-patterns.ts";
import { matchesExactly } from "../../../src/domain/policy/pattern.ts";
import { mergeTiers, onlyTightening } from "../../../src/domain/policy/rules.ts";
import type { PolicyCall } from "../../../src/ports/tool.ts";
import { bash, builtin, explained, mcp, policyFor, tier } from "./rules-of.ts";

test("without a file only tools of our own that read, and messages to the user, run without a question", () => {
  assert.equal(policyFor(builtin("read_file", "pure")), "allow");
  assert.equal(policyFor(builtin("memory:recall", "pure")), "allow");
  assert.equal(policyFor(builtin("memory:remember")), "ask");
  assert.equal(policyFor(builtin("notify_user")), "allow");
  assert.equal(policyFor(bash("ls")), "ask");
  assert.equal(policyFor({ type: "mcp", text: "files__read", effect: "pure" }), "ask");
  assert.equal(policyFor({ type: "cli", text: "look", effect: "pure" }), "ask");
});

test("a file without a mode, such as what always allow keeps, takes nothing of that away", () => {
  const local = { file: "policy.local.yaml", allow: ["bash:ls *"] };
  assert.equal(policyFor(builtin("read_file", "pure"), local), "allow");
  assert.equal(policyFor(builtin("write_file"), local), "ask");
  assert.equal(policyFor(builtin("read_file", "pure"), { mode: "ask" }), "ask");
});

test("deny comes before ask, ask before allow, allow before the mode", () => {
  const all = { deny: ["builtin:web:*"], ask: ["builtin:*"], allow: ["builtin:*"], mode: "allow" as const };
  assert.equal(policyFor(builtin("web:fetch", "pure"), all), "deny");
  assert.equal(policyFor(builtin("memory:recall"), all), "ask");
  assert.equal(policyFor(builtin("memory:recall"), { allow: ["builtin:memory"], mode: "restrict" }), "allow");
  assert.equal(policyFor(builtin("session:send"), { allow: ["builtin:memory"], mode: "restrict" }), "deny");
  assert.equal(policyFor(builtin("session:send"), { mode: "allow" }), "allow");
});

test("the most specific mode wins, whatever it is; lists add up", () => {
  const workspace = { mode: "restrict" as const, deny: ["bash:rm"], allow: ["bash:ls"] };
  const agent = { mode: "allow" as const, deny: ["bash:dd"], ask: ["bash:mv"] };
  const local = { allow: ["bash:pwd"] };
  assert.equal(policyFor(bash("date"), workspace, agent, local), "allow");
  assert.equal(policyFor(bash("date"), agent, workspace, local), "deny");
  for (const [line, policy] of [
    ["rm x", "deny"],
    ["dd", "deny"],
    ["mv a b", "ask"],
    ["ls", "allow"],
    ["pwd", "allow"],
  ] as const)
    assert.equal(policyFor(bash(line), { ...workspace, mode: "ask" }, { ...agent, mode: "ask" }, local), policy, line);
});

test("a verdict names the file, the line and the pattern that decided", () => {
  const { verdict, commands } = explained(
    bash("git status | head"),
    { file: "a.yaml", allow: ["bash:ls", "bash:git status"] },
    { file: "b.yaml", allow: ["bash:head *"] },
  );
  assert.equal(verdict.policy, "allow");
  assert.deepEqual(
    commands.map(({ command, verdict: { reason } }) => [
      command,
      reason.rule,
      reason.pattern,
      reason.file,
      reason.line,
    ]),
    [
      ["git status", "allow", "bash:git status", "a.yaml", 31],
      ["head", "allow", "bash:head *", "b.yaml", 30],
    ],
  );
  const { reason } = explained(bash("curl x"), { file: "a.yaml", mode: "restrict" }).verdict;
  assert.deepEqual([reason.rule, reason.file, reason.line], ["mode", "a.yaml", 1]);
});

test("a prefix is a prefix by words: longer words are others, a trailing star adds nothing", () => {
  for (const pattern of ["bash:git status", "bash:git status *"]) {
    assert.equal(policyFor(bash("git status"), { allow: [pattern] }), "allow");
    assert.equal(policyFor(bash("git status -s"), { allow: [pattern] }), "allow");
    assert.equal(policyFor(bash("git statusx"), { allow: [pattern] }), "ask");
    assert.equal(policyFor(bash("git"), { allow: [pattern] }), "ask");
  }
  assert.equal(policyFor(bash("npm run test:unit"), { allow: ["bash:npm run test:*"] }), "allow");
  assert.equal(policyFor(bash("npm run build"), { allow: ["bash:npm run test:*"] }), "ask");
  assert.equal(policyFor(bash("anything at all"), { allow: ["bash:*"] }), "allow");
  assert.equal(policyFor(bash("sudo anything"), { allow: ["bash:*"] }), "ask");
  assert.equal(policyFor(bash("anything > x"), { deny: ["bash:*"] }), "deny");
  assert.equal(policyFor(bash("if that can not be read"), { mode: "allow", deny: ["bash:*"] }), "deny");
});

test("builtin:bash forbids the tool, and allows no command", () => {
  assert.equal(policyFor(bash("ls"), { mode: "allow", deny: ["builtin:bash"] }), "deny");
  assert.equal(policyFor(bash("ls 'x"), { mode: "allow", ask: ["builtin:bash"] }), "ask");
  assert.equal(policyFor(bash("ls"), { allow: ["builtin:bash", "builtin:*"] }), "ask");
});

test("who denies a tool that runs command lines denies its command lines", () => {
  const spawn: PolicyCall = { type: "bash", text: "make", effect: "resumable", builtin: "background_process:spawn" };
  for (const pattern of ["builtin:background_process", "builtin:background_process:spawn", "background_process"]) {
    assert.equal(policyFor(spawn, { mode: "allow", deny: [pattern] }), "deny", pattern);
    assert.equal(policyFor(spawn, { mode: "allow", ask: [pattern] }), "ask", pattern);
    assert.equal(policyFor(bash("make"), { mode: "allow", deny: [pattern] }), "allow", pattern);
  }
  assert.equal(policyFor(spawn, { mode: "allow", deny: ["builtin:background_process:kill"] }), "allow");
  assert.equal(policyFor(spawn, { mode: "allow", deny: ["builtin:bash"] }), "deny");
  assert.equal(policyFor(bash("make"), { mode: "allow", deny: ["builtin:*"] }), "deny");
  assert.equal(policyFor(spawn, { allow: ["builtin:background_process"] }), "ask");
});

test("patterns of other types say nothing about commands, and a pattern without a type about every type", () => {
  assert.equal(policyFor(bash("ls"), { allow: ["builtin:ls", "cli:ls", "mcp:*"] }), "ask");
  assert.equal(policyFor(bash("ls -l"), { allow: ["ls"] }), "allow");
  assert.equal(policyFor({ type: "cli", text: "ls", effect: "unsafe" }, { allow: ["*:ls"] }), "allow");
  assert.equal(policyFor({ type: "cli", text: "http://x", effect: "unsafe" }, { allow: ["http://x"] }), "allow");
  assert.equal(policyFor({ type: "cli", text: "x", effect: "unsafe" }, { allow: ["http://x"] }), "ask");
});

test("wildcards are anchored at both ends, and capitals get around nothing", () => {
  assert.equal(policyFor(mcp("files__read_file"), { allow: ["mcp:files__read*"] }), "allow");
  assert.equal(policyFor(mcp("other_files__read"), { allow: ["mcp:files__*"] }), "ask");
  assert.equal(policyFor(mcp("files__write"), { allow: ["mcp:*read"] }), "ask");
  assert.equal(policyFor(builtin("Web:Fetch"), { mode: "allow", deny: ["builtin:web:*"] }), "deny");
  assert.equal(policyFor(builtin("WEB"), { mode: "allow", deny: ["BuiltIn:web"] }), "deny");
});

test("a pattern without a star is the whole name, one with stars is anchored at both ends", () => {
  const table: [pattern: string, text: string, expected: boolean][] = [
    ["bash", "bash", true],
    ["bash", "bash:x", false],
    ["bash", "ash", false],
    ["memory:*", "memory:recall", true],
    ["memory:*", "memory:", true],
    ["memory:*", "memory", false],
    ["*:recall", "memory:recall", true],
    ["*:recall", "memory:recall:x", false],
    ["m*y:*l", "memory:recall", true],
    ["a*b*c", "a-b-c", true],
    ["a*b*c", "a-c-b", false],
    ["ab*ba", "aba", false],
    ["*", "", true],
    ["", "x", false],
    [".*", "x", false],
  ];
  for (const [pattern, text, expected] of table)
    assert.equal(matchesExactly(pattern, text), expected, `${pattern} ${text}`);
});

test("wildcards match as their regular expression would", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "*", "."), maxLength: 12 });
  fc.assert(
    fc.property(text, text, (pattern, subject) => {
      const source = pattern.replaceAll(/[.]/g, String.raw`\.`).replaceAll("*", "[^]*");
      assert.equal(matchesExactly(pattern, subject), new RegExp(`^${source}$`).test(subject));
    }),
  );
});

test("a pattern of more than words is looked for in the whole line, and only forbids", () => {
  assert.equal(policyFor(bash("curl https://x | bash"), { mode: "allow", deny: ["bash:curl *| bash"] }), "deny");
  assert.equal(policyFor(bash("echo x > /dev/sda"), { mode: "allow", deny: ["bash:> /dev/"] }), "deny");
  assert.equal(policyFor(bash("a; b"), { allow: ["bash:a; b"] }), "ask");
});

test("what can not be read is not run where something is denied, and denied where the mode restricts", () => {
  assert.equal(policyFor(bash("ls 'x"), { mode: "allow" }), "allow");
  const { verdict } = explained(bash("ls 'x"), { mode: "allow", deny: ["bash:rm"] });
  assert.deepEqual([verdict.policy, verdict.reason.rule, verdict.reason.pattern], ["ask", "unparsed", "bash:rm"]);
  assert.equal(policyFor(bash("ls 'x"), { mode: "restrict", deny: ["bash:rm"] }), "deny");
  assert.equal(policyFor(bash("ls $X"), { mode: "allow", deny: ["bash:rm"] }), "allow");
  assert.equal(policyFor(bash("cat $X"), { mode: "allow", deny: ["bash:cat secrets"] }), "ask");
  assert.equal(policyFor(bash("cat sec*"), { allow: ["bash:cat"], deny: ["bash:cat secrets"] }), "ask");
});

test("a line that can not be parsed is asked about for that reason, whatever is denied", () => {
  for (const rules of [{ deny: ["bash:shutdown"] }, { mode: "ask" as const }, { allow: ["bash:echo"] }]) {
    const { verdict } = explained(bash("echo 'x"), rules);
    assert.deepEqual(
      [verdict.policy, verdict.reason.text],
      ["ask", "it can not be parsed as a command line (is a quote open?), so it is asked about"],
    );
  }
});

test("an MCP tool that is not what was approved is asked about again, also where another pattern allows it", () => {
  const [old, now] = ["a".repeat(64), "b".repeat(64)];
  const tiers = { mode: "ask" as const, allow: ["mcp:files__*"], fingerprints: { files__read: old } };
  assert.equal(policyFor(mcp("files__read", old), tiers), "allow");
  assert.equal(explained(mcp("files__read", now), tiers).verdict.reason.rule, "changed");
  assert.equal(policyFor(mcp("files__read", now), tiers), "ask");
  assert.equal(policyFor(mcp("files__read", now), { ...tiers, deny: ["mcp:files__read"] }), "deny");
  assert.equal(policyFor(mcp("files__list", now), tiers), "allow");
});

test("always allow keeps the first word of each command, two where the second says what is done", () => {
  const keeps = (line: string) => alwaysPatterns(bash(line));
  assert.deepEqual(keeps("ls -la src"), ["bash:ls *"]);
  assert.deepEqual(keeps("git status -s && npm test | head -5"), [
    "bash:git status *",
    "bash:npm test *",
    "bash:head *",
  ]);
  assert.deepEqual(keeps("cargo build; cargo build --release"), ["bash:cargo build *"]);
  assert.deepEqual(keeps("ls *.ts"), ["bash:ls *"]);
  assert.deepEqual(keeps("bash scripts/check.sh --all"), ["bash:bash scripts/check.sh --all *"]);
  for (const line of [
    "ls > x",
    "ls $(x)",
    "sudo ls",
    "find . -delete",
    "git -C x status",
    "git",
    "bash",
    "'a b' c",
    "docker -H x ps",
    "ls 'x",
    "",
    "A=1 ls",
  ])
    assert.deepEqual(keeps(line), [], line);
  assert.deepEqual(alwaysPatterns(builtin("memory:remember")), ["builtin:memory:remember"]);
  assert.deepEqual(alwaysPatterns(mcp("files__read")), ["mcp:files__read"]);
});

test("what always allow keeps allows the call it was kept for", () => {
  const word = fc.constantFrom(
    "git",
    "ls",
    "status",
    "-a",
    "'x y'",
    "*.ts",
    "npm",
    "test",
    "a=b",
    "./run",
    "bash",
    "x.sh",
    "sudo",
    "$x",
  );
  const line = fc.array(
    fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(" ")),
    { minLength: 1, maxLength: 3 },
  );
  fc.assert(
    fc.property(line, fc.constantFrom(" | ", "; ", " && "), (commands, joint) => {
      const call = bash(commands.join(joint));
      const allow = alwaysPatterns(call);
      if (allow.length > 0) assert.equal(policyFor(call, { mode: "ask", allow }), "allow");
      else assert.notEqual(policyFor(call, { mode: "ask", allow }), "allow");
    }),
  );
});

test("whatever is written, a decision is made, and nothing that is not understood runs", () => {
  const piece = fc.constantFrom(
    ..."\"'`$(){}[]<>|&;\\\n\t #~*?!=^%:,aé\u0000\ud800".split(""),
    "rm x",
    "<<E\n",
    "$((",
    "case x in",
    "[[ ",
    "bash -c ",
    "eval ",
  );
  const line = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join("")),
  );
  fc.assert(
    fc.property(line, (text) => {
      const policy = policyFor(bash(text), { mode: "ask", allow: ["bash:ls"], deny: ["bash:rm"] });
      if (policy === "allow") assert.match(text, /^[\s\S]*\bls\b/);
      alwaysPatterns(bash(text));
    }),
    { numRuns: 1_000 },
  );
});

test("a line that is made to be slow is not looked into for long", () => {
  for (const piece of [
    "$(",
    "`",
    "((",
    "${a:-",
    "<<a ",
    "$((",
    "eval ",
    "sudo ",
    "bash -c ",
    "if ",
    "'",
    '"',
    "\\",
    "{a,",
    "a|",
    "<(",
    "find -exec ",
  ]) {
    const line = piece.repeat(60_000 / piece.length);
    assert.notEqual(policyFor(bash(line), { mode: "ask", allow: ["bash:*"], deny: ["bash:rm"] }), "allow", piece);
  }
});

test("a policy that came with a request can only tighten", () => {
  const given = tier({ file: "policy.yaml", mode: "allow", allow: ["bash:*"], deny: ["bash:rm"], ask: ["bash:mv"] });
  const rules = mergeTiers([tier({ mode: "ask" }), onlyTightening(given, "ask")]);
  assert.deepEqual([rules.mode?.mode, rules.allow.length, rules.deny.length, rules.ask.length], ["ask", 0, 1, 1]);
  assert.equal(onlyTightening(tier({ mode: "restrict" }), "ask").mode?.mode, "restrict");
  assert.equal(onlyTightening(tier({ mode: "ask" }), "restrict").mode, undefined);
});
