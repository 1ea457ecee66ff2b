import assert from "node:assert/strict";
import { test } from "node:test";

import { allowedForOrdinary, ordinaryCommands } from "../../tables/ordinary-commands.ts";
import { allowedForBypasses, shellBypasses } from "../../tables/shell-bypasses.ts";
import { bash, policyFor } from "./rules-of.ts";

const shown = (line: string): string => JSON.stringify(line);

test("the tables are as large as they should be, and no line stands there twice", () => {
  const bypasses = shellBypasses.flatMap(({ lines }) => lines);
  assert.ok(new Set(bypasses).size >= 300, `${new Set(bypasses).size} bypasses`);
  assert.equal(new Set(bypasses).size, bypasses.length);
  assert.ok(new Set(ordinaryCommands).size >= 100);
});

for (const { what, rm, lines } of shellBypasses) {
  test(`no pattern lets it run: ${what}`, () => {
    const run = lines.filter((line) => policyFor(bash(line), { mode: "ask", allow: allowedForBypasses }) !== "ask");
    assert.deepEqual(run.map(shown), []);
    const restricted = lines.filter(
      (line) => policyFor(bash(line), { mode: "restrict", allow: allowedForBypasses }) !== "deny",
    );
    assert.deepEqual(restricted.map(shown), []);
  });

  if (rm === "none") continue;
  test(`a deny pattern ${rm === "seen" ? "finds" : "is not got around by"} it: ${what}`, () => {
    const wanted = rm === "seen" ? ["deny"] : ["deny", "ask"];
    const missed = lines.filter(
      (line) => !wanted.includes(policyFor(bash(line), { mode: "allow", deny: ["bash:rm"] })),
    );
    assert.deepEqual(missed.map(shown), []);
  });
}

test("ordinary commands run without a question", () => {
  const asked = ordinaryCommands.filter(
    (line) => policyFor(bash(line), { mode: "ask", allow: allowedForOrdinary }) !== "allow",
  );
  assert.deepEqual(asked.map(shown), []);
});

test("a deny pattern does not get in the way of ordinary commands", () => {
  const stopped = ordinaryCommands.filter(
    (line) =>
      policyFor(bash(line), { mode: "ask", deny: ["bash:rm", "bash:dd", "bash:mkfs*"], allow: allowedForOrdinary }) !==
      "allow",
  );
  assert.deepEqual(stopped.map(shown), []);
});
