import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

import fc from "fast-check";

import { plainCommands, type PlainCommand } from "../../../src/domain/policy/plain-commands.ts";
import { disposableFolder } from "../../support/temporary-folder.ts";
import { allowedForOrdinary, ordinaryCommands } from "../../tables/ordinary-commands.ts";
import { allowedForBypasses, shellBypasses } from "../../tables/shell-bypasses.ts";
import { bash, policyFor } from "./rules-of.ts";

const run = promisify(execFile);

// Real bash is the judge: in a folder where every program only writes down how it was called, a line that the policy
// allows must call exactly what the policy saw, and nothing else.

const programs =
  `git ls cat head tail wc grep rg find fd sort uniq cut tr sed awk jq diff echo printf pwd cd mkdir touch cp mv
  date which whoami uname du df stat file test true npm npx node tsc cargo go python pytest make docker kubectl curl tree
  bash sh rm tee env sudo xargs eval x y`.split(/\s+/);

// Not bash: that would read BASH_ENV, by which the shell under test is told to forget its builtins.
const recorder = `#!/bin/sh
{ printf '%s\\0' "\${0##*/}" "$@"; } > "$RECORDS/$$"
`;
const forgetBuiltins =
  "enable -n echo printf pwd cd true false test [ kill type umask ulimit wait help dirs pushd popd\n";

/** They run what they are given, and write nothing down. */
const runners = new Map([
  ["bash", "/bin/bash"],
  ["sh", "/bin/sh"],
  ["env", "/usr/bin/env"],
]);
const noPrograms: ReadonlyMap<string, string> = new Map();

/** How programs were called by each line, in no order: pipes run at the same time. */
async function callsOf(lines: readonly string[], folder: string, real = noPrograms): Promise<string[][][]> {
  const [bin, work, records] = ["bin", "work", "records"].map((name) => join(folder, name));
  if (bin === undefined || work === undefined || records === undefined) throw new Error("no folders");
  for (const made of [bin, join(work, "scripts"), records]) await mkdir(made, { recursive: true });
  await writeFile(join(bin, ".recorder"), recorder, { mode: 0o755 });
  for (const name of programs) await symlink(real.get(name) ?? ".recorder", join(bin, name));
  await writeFile(join(folder, "builtins"), forgetBuiltins);
  await symlink(join(bin, ".recorder"), join(work, "scripts", "lint"));
  // What names of files could do to a pattern.
  for (const name of ["-delete", "-exec", "a.ts", "b c.ts", "a;rm x", "$(rm x)"]) await writeFile(join(work, name), "");
  const driver: string[] = [];
  for (const [index, line] of lines.entries()) {
    await mkdir(join(records, String(index)));
    driver.push(`RECORDS=${records}/${index} "$BASH" -c ${quoted(line)} < /dev/null`);
  }
  await writeFile(join(folder, "driver"), driver.join("\n"));
  await run("/bin/bash", ["--norc", join(folder, "driver")], {
    cwd: work,
    env: { PATH: bin, LANG: "C.UTF-8", BASH_ENV: join(folder, "builtins") },
  }).catch((error: unknown) => {
    // The last line's own exit code.
    if (!(error instanceof Error && "code" in error && typeof error.code === "number")) throw error;
  });
  return Promise.all(
    lines.map(async (_, index) => {
      const files = await readdir(join(records, String(index)));
      const calls = await Promise.all(files.map((file) => readFile(join(records, String(index), file), "utf8")));
      return calls.map((call) => call.split("\0").slice(0, -1));
    }),
  );
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Checks one line: what was called against what the policy saw when it allowed it. */
function assertOnlySeen(line: string, calls: readonly string[][]): void {
  // What is known the farthest first: a call that fits one of them may fit those of which less is known.
  const known = (command: PlainCommand): number => {
    const files = command.findIndex(({ fixed }) => !fixed);
    return files === -1 ? Number.POSITIVE_INFINITY : files;
  };
  const seen = (plainCommands(line) ?? [])
    .toSorted((a, b) => (known(a) === known(b) ? 0 : known(b) - known(a)))
    .map((command) => ({ command, left: true }));
  for (const call of calls) {
    const match = seen.find(
      ({ command, left }) =>
        left &&
        (known(command) < command.length || command.length === call.length) &&
        command.every(({ text }, index) => index >= known(command) || isCall(text, call[index], index)),
    );
    assert.ok(match, `${JSON.stringify(line)} called ${JSON.stringify(call)}`);
    match.left = false;
  }
  if (!/&&|\|\|/.test(line))
    assert.deepEqual(
      seen.filter(({ left }) => left).map(({ command }) => command),
      [],
      `${JSON.stringify(line)} did not call all that was seen`,
    );
}

/** The name as the recorder knows it. */
const isCall = (text: string, called: string | undefined, index: number): boolean =>
  called === (index === 0 ? text.slice(text.lastIndexOf("/") + 1) : text);

test("what ordinary commands run is what was seen", async () => {
  await using folder = await disposableFolder();
  const lines = ordinaryCommands.filter(
    (line) => policyFor(bash(line), { mode: "ask", allow: allowedForOrdinary }) === "allow",
  );
  const calls = await callsOf(lines, folder.path);
  for (const [index, line] of lines.entries()) assertOnlySeen(line, calls[index] ?? []);
});

const pieces = [
  ["git status", "ls", "ls -la", "cat a", "echo", "npm test", "find .", "sort", "grep -r", "printf", "test -f a"],
  [" ", " ", " ", " ", "\n", "\t", ";", "; ", " && ", " || ", " | ", "&", "|&", ";;", "\\", "\\\n", "\r"],
  ["'", '"', "''", '""', `"'"`, `'"'`, "'a b'", '"a b"', "\\'", '\\"', "\\ ", "\\;", "\\$", "\\`", '"\\$x"', '"\\a"'],
  ["rm x", "rm", "x", "$x", "${x}", "$(rm x)", "`rm x`", '"$(rm x)"', "'$(rm x)'", "$'rm'", '$"x"', "$((1))"],
  [
    " > x",
    " < a",
    " 2>&1",
    " >/dev/null",
    " 2> /dev/null",
    " >&2",
    " <<< x",
    " << E\nrm x\nE\n",
    "<(rm x)",
    "12>&1",
    "2>&12",
  ],
  [
    "*",
    "*.ts",
    "?",
    "[a]",
    "{a,b}",
    "{",
    "}",
    "(",
    ")",
    "!",
    "~",
    "#",
    " # x",
    "=",
    "a=b ",
    "PATH=. ",
    "%",
    "^",
    ",",
    ":",
  ],
  [
    "eval ",
    "sudo ",
    "env ",
    "xargs ",
    "exec ",
    "-exec rm x ;",
    "-delete",
    "if ",
    "then ",
    "fi",
    "!",
    "[[ ",
    "-c",
    "-o x",
  ],
  ["é", "\u00a0", "\u2003", "ſ", "\u0001"],
].flat();
const words = fc.constantFrom(
  "a",
  "-la",
  "'a b'",
  '"c d"',
  "x.ts",
  '"e\\"f"',
  "g\\ h",
  "'$x'",
  "2>&1",
  ">/dev/null",
  "*.ts",
);
const plainLine = fc
  .array(
    fc.tuple(
      fc.constantFrom("git status", "ls", "cat", "grep x", "npm test", "echo"),
      fc.array(words, { maxLength: 3 }),
    ),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  .chain((commands) =>
    fc
      .array(fc.constantFrom(";", " ; ", "|", " | ", "\n", " && ", "||", ";\n"), { minLength: 3, maxLength: 3 })
      .map((joins) =>
        commands
          .map(([name, rest], index) => [name, ...rest].join(" ") + (joins[index] ?? ""))
          .join("")
          .replace(/[;|&\s]+$/, ""),
      ),
  );
const around: ((inner: string) => string)[] = [
  (inner) => `ls $(${inner})`,
  (inner) => `ls "$(${inner})"`,
  (inner) => `ls "\`${inner.replaceAll(/[\\`]/g, String.raw`\$&`)}\`"`,
  (inner) => `(${inner})`,
  (inner) => `{ ${inner}\n}`,
  (inner) => `if ls; then ${inner}\nfi`,
  (inner) => `for i in a; do ${inner}\ndone`,
  (inner) => `case a in a) ${inner}\n;; esac`,
  (inner) => `f() { ${inner}\n}; f`,
  (inner) => `bash -c ${quoted(inner)}`,
  (inner) => `sh -c ${quoted(inner)}`,
  (inner) => `eval ${quoted(inner)}`,
  (inner) => `env ${inner}`,
  (inner) => `A=1 ${inner}`,
  (inner) => `command ${inner}`,
  (inner) => `! ${inner}`,
  (inner) => `ls | ${inner}`,
  (inner) => `ls & ${inner}`,
  (inner) => `cat <(${inner})`,
  (inner) => `cat <<< "$(${inner})"`,
  (inner) => `cat << E\n$(${inner})\nE\n`,
  (inner) => `bash << 'E'\n${inner}\nE\n`,
  (inner) => `bash <<< ${quoted(inner)}`,
  (inner) => `echo \${x:-$(${inner})}`,
  (inner) => `echo $((1 + $(${inner})))`,
  (inner) => `[[ -n $(${inner}) ]]`,
  (inner) => `ls $(('$(${inner})'))`,
  (inner) => `ls "\${x:-'$(${inner})'}"`,
  (inner) => `y='a[$(${inner})]'; ls $((y))`,
  (inner) => `[[ ${quoted(`a[$(${inner})]`)} -eq 0 ]]`,
  (inner) => `ls >&${quoted(`$(${inner})`)}`,
  (inner) => `trap ${quoted(inner)} EXIT`,
  (inner) => `exec ${inner}`,
  (inner) => `true && ${inner}`,
  (inner) => `x=$(${inner})`,
  (inner) => `x=(a $(${inner}))`,
  (inner) => `time ${inner}`,
  (inner) => `ls > "$(${inner})"`,
];
/** A plain line into which something was thrown. */
const hostileLine = fc
  .tuple(plainLine, fc.array(fc.tuple(fc.constantFrom(...pieces), fc.nat(60)), { maxLength: 2 }))
  .map(([line, thrown]) => thrown.reduce((text, [piece, at]) => text.slice(0, at) + piece + text.slice(at), line));
/** A command inside of others. */
const deepLine = fc
  .tuple(
    fc.constantFrom(
      "rm x",
      "r''m x",
      "'rm'",
      "ls; rm x",
      "ls",
      "X=rm; $X",
      "RM x",
      "rm\\\n x",
      "echo rm",
      "a=rm x",
      "/x/rm",
      "command rm x",
    ),
    fc.array(fc.nat(around.length - 1), { maxLength: 4 }),
  )
  .map(([line, wraps]) => wraps.reduce<string>((inner, wrap) => around[wrap]?.(inner) ?? inner, line));
const patched = fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 9 }).map((some) => some.join(""));

test("whatever runs without a question calls exactly what was seen: real bash says so", async () => {
  const tiers = { mode: "ask" as const, allow: allowedForBypasses };
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(hostileLine, hostileLine, patched), { minLength: 100, maxLength: 100 }),
      async (lines) => {
        const allowed = [...new Set(lines)].filter((line) => policyFor(bash(line), tiers) === "allow");
        await using folder = await disposableFolder();
        const calls = await callsOf(allowed, folder.path);
        for (const [index, line] of allowed.entries()) assertOnlySeen(line, calls[index] ?? []);
      },
    ),
    { numRuns: 3, endOnFailure: true },
  );
});

test("where a command is denied, nothing that real bash would run calls it", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(hostileLine, deepLine, patched), { minLength: 80, maxLength: 80 }),
      async (lines) => {
        const allowed = [...new Set(lines)].filter(
          (line) => policyFor(bash(line), { mode: "allow", deny: ["bash:rm"] }) === "allow",
        );
        await using folder = await disposableFolder();
        const calls = await callsOf(allowed, folder.path, runners);
        for (const [index, line] of allowed.entries())
          assert.deepEqual(
            calls[index]?.filter(([name]) => name === "rm"),
            [],
            JSON.stringify(line),
          );
      },
    ),
    { numRuns: 2, endOnFailure: true },
  );
});

test("no line of the table of bypasses is taken for one that can be checked this way", () => {
  const lines = shellBypasses.flatMap((group) => group.lines);
  assert.deepEqual(
    lines.filter((line) => policyFor(bash(line), { mode: "ask", allow: allowedForBypasses }) === "allow"),
    [],
  );
});
