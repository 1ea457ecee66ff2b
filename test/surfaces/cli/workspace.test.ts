import assert from "node:assert/strict";
import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { parse } from "yaml";

import { modelScriptSchema } from "../../../src/schema/model-script.ts";
import { demoAgentFiles, workspaceGitignore } from "../../../src/surfaces/cli/workspace/demo-agent.ts";
import { starterAgentFiles } from "../../../src/surfaces/cli/workspace/starter-agent.ts";
import { writeNewFiles } from "../../../src/surfaces/cli/workspace/write-new-files.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const repository = new URL("../../../", import.meta.url);

test("this repository's own workspace is what `init --demo` makes", async () => {
  for (const [path, text] of Object.entries(demoAgentFiles)) {
    assert.equal(await readFile(new URL(`.duragent/agents/${path}`, repository), "utf8"), text, path);
  }
  assert.equal(await readFile(new URL(".duragent/.gitignore", repository), "utf8"), workspaceGitignore);
});

test("every rule of the demo's script is valid and the last one answers anything", () => {
  const script = modelScriptSchema.parse(parse(demoAgentFiles["demo/script.yaml"] ?? ""));
  const answerTo = (message: string) =>
    script.rules.find(({ when }) => new RegExp(when ?? "$^", "su").test(message))?.say;
  assert.match(answerTo("Hello there") ?? "", /^Hello! I am the demo agent/);
  assert.match(answerTo("please tell me a STORY") ?? "", /^Once there was a log/);
  assert.match(answerTo("my name is Ada") ?? "", /\{\{1\}\}/);
  assert.match(answerTo("anything\nelse") ?? "", /\{\{input\}\}/);
});

test("the demo also knows what to do in a group, where a name stands before each message", () => {
  const { rules } = modelScriptSchema.parse(parse(demoAgentFiles["demo/script.yaml"] ?? ""));
  const answerTo = (message: string): unknown => {
    for (const { when, tool, say } of rules) {
      const found = new RegExp(when ?? "$^", "su").exec(message);
      if (found) return tool ? [tool.name, found[1]] : say?.split(" ", 1)[0];
    }
    return null;
  };
  for (const name of ["", "Ann: ", `${"\u{1F600}".repeat(64)}: `]) {
    assert.equal(answerTo(`${name}hi there`), "Hello!");
    assert.equal(answerTo(`${name}help`), "You");
    assert.equal(answerTo(`${name}count`), "One.");
    assert.equal(answerTo(`${name}my name is Ada`), "Nice");
    assert.equal(answerTo(`${name}bye`), "Goodbye!");
    assert.deepEqual(answerTo(`${name}run date`), ["bash", "date"]);
    assert.deepEqual(answerTo(`${name}run: count: x`), ["bash", "count: x"]);
    assert.deepEqual(answerTo(`${name}remember: run date`), ["memory", "run date"]);
    assert.deepEqual(answerTo(`${name}what do you remember?`), ["memory", undefined]);
  }
});

test("names with quotes and colons in them stay one value in the agent's YAML", () => {
  const files = starterAgentFiles({ name: "a", provider: "ollama", model: 'odd: "name" #1' });
  assert.equal(parse(files["a/agent.yaml"] ?? "").spec.model.name, 'odd: "name" #1');
});

test("a file that is there is kept as it is, and named", async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, "deep"));
  await writeFile(join(folder, "deep/kept"), "mine");
  await chmod(join(folder, "deep/kept"), 0o640);
  assert.deepEqual(await writeNewFiles(folder, { "deep/kept": "theirs", "new/file": "x" }), {
    created: ["new/file"],
    kept: ["deep/kept"],
  });
  assert.equal(await readFile(join(folder, "deep/kept"), "utf8"), "mine");
  assert.equal((await stat(join(folder, "deep/kept"))).mode & 0o777, 0o640);
});
