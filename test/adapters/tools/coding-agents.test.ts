import assert from "node:assert/strict";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";

import { claudeCodeTool, codexTool, opencodeTool } from "../../../src/adapters/tools/coding-agents.ts";
import type { Tool } from "../../../src/ports/tool.ts";
import { disposableFolder } from "../../support/temporary-folder.ts";
import { until } from "../../support/until.ts";
import { context, openGround, sessionId } from "../processes/ground.ts";
import { callTool, partsOf } from "./process-ground.ts";

type Line = Record<string, unknown> | string;

/** A coding agent that writes down how it was called, and then says these lines. */
async function withProgram(t: TestContext, name: string, lines: readonly Line[], end = "exit 0") {
  const { path: folder } = await disposableFolder();
  const bin = join(folder, "bin");
  await mkdir(bin);
  const said = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line)));
  await writeFile(join(bin, "lines"), said.map((line) => `${line}\n`).join(""));
  const program = `#!/bin/sh\nprintf '%s\\n' "$@" >"$PWD/words"\ncat >"$PWD/prompt"\ncat '${bin}/lines'\n${end}\n`;
  await writeFile(join(bin, name), program);
  await chmod(join(bin, name), 0o755);
  const ground = await openGround(t, { folder, env: { ...process.env, PATH: `${bin}:${process.env["PATH"]}` } });
  const words = async () => (await readFile(join(folder, "words"), "utf8")).trim().split("\n");
  return { ground, words, prompt: () => readFile(join(folder, "prompt"), "utf8") };
}

async function shown(tool: Tool, given: object) {
  let output = "";
  const result = await callTool(tool, given, { onOutput: (text) => (output += text) });
  return { result, output };
}

const claudeLines = [
  { type: "system", subtype: "init", session_id: "8d3b-1", model: "m", tools: [] },
  "npm warn something on stderr",
  {
    type: "assistant",
    session_id: "8d3b-1",
    message: {
      role: "assistant",
      content: [
        { type: "text", text: "I look first." },
        { type: "tool_use", id: "t1", name: "Bash", input: { command: "ls" } },
      ],
    },
  },
  { type: "user", session_id: "8d3b-1", message: { content: [{ type: "tool_result", content: "a.txt" }] } },
  {
    type: "result",
    subtype: "success",
    is_error: false,
    result: "Done: ü.",
    session_id: "8d3b-1",
    total_cost_usd: 0.1,
  },
];

void suite("coding agents", { concurrency: 4 }, () => {
  void test("Claude Code gets its prompt by stdin, is shown as it works, and is gone on with by its session", async (t) => {
    const { ground, words, prompt } = await withProgram(t, "claude", claudeLines);
    const tool = claudeCodeTool(partsOf(ground));
    const asked = "-p is no option here; $(touch x)\n`y`";
    const { result, output } = await shown(tool, { prompt: asked });
    assert.deepEqual(
      [result.success, result.content, Reflect.get(result.details as object, "session_id")],
      [true, "Done: ü.\n\n(session_id: 8d3b-1)", "8d3b-1"],
    );
    assert.equal(output, 'npm warn something on stderr\nI look first.\n› Bash {"command":"ls"}\n');
    assert.equal(await prompt(), asked);
    const plain = ["-p", "--output-format", "stream-json", "--verbose", "--permission-mode", "acceptEdits"];
    assert.deepEqual(await words(), plain);
    await shown(tool, { prompt: "more", session_id: "8d3b-1", model: "opus" });
    assert.deepEqual(await words(), [...plain, "--resume", "8d3b-1", "--model", "opus"]);
    assert.equal(
      ground.told.ended.some((one) => one.message !== undefined),
      false,
    );
  });

  void test("what would be an option is no session and no model", async (t) => {
    const { ground } = await withProgram(t, "claude", claudeLines);
    const tool = claudeCodeTool(partsOf(ground));
    const { result } = await shown(tool, { prompt: "x", model: "--dangerously-skip-permissions" });
    assert.match(result.content, /arguments of claude_code_exec are wrong.*model/);
    assert.deepEqual(ground.processes.list(sessionId), []);
  });

  void test("a failure of Claude Code is told with its own words", async (t) => {
    const failed = { type: "result", subtype: "error_max_turns", is_error: true, session_id: "8d3b-1" };
    const { ground } = await withProgram(t, "claude", [failed], "exit 1");
    const { result } = await shown(claudeCodeTool(partsOf(ground)), { prompt: "x" });
    assert.equal(result.outcome, "error");
    assert.match(result.content, /did not finish \(exit code 1\): error_max_turns\n\n\(session_id: 8d3b-1\)/);
  });

  void test("Codex is understood, and gone on with", async (t) => {
    const { ground, words, prompt } = await withProgram(t, "codex", [
      { type: "thread.started", thread_id: "0199-a" },
      { type: "turn.started" },
      {
        type: "item.started",
        item: { id: "1", type: "command_execution", command: "bash -lc ls", status: "in_progress" },
      },
      { type: "item.completed", item: { id: "1", type: "command_execution", command: "bash -lc ls", exit_code: 0 } },
      { type: "item.completed", item: { id: "2", type: "agent_message", text: "First." } },
      { type: "item.completed", item: { id: "3", type: "agent_message", text: "All is done." } },
      { type: "turn.completed", usage: { input_tokens: 1, output_tokens: 1 } },
    ]);
    const { result, output } = await shown(codexTool(partsOf(ground)), {
      prompt: "go",
      session_id: "0199-a",
      model: "gpt-5",
    });
    assert.equal(result.content, "All is done.\n\n(session_id: 0199-a)");
    assert.equal(output, "› $ bash -lc ls\nFirst.\nAll is done.\n");
    assert.equal(await prompt(), "go");
    assert.deepEqual((await words()).slice(-5), ["--model", "gpt-5", "resume", "0199-a", "-"]);
  });

  void test("a failed turn of Codex is a failure, also where it exits with 0", async (t) => {
    const failed = { type: "turn.failed", error: { message: "usage limit reached" } };
    const { ground } = await withProgram(t, "codex", [{ type: "thread.started", thread_id: "0199-a" }, failed]);
    const { result } = await shown(codexTool(partsOf(ground)), { prompt: "go" });
    assert.deepEqual([result.outcome, /usage limit reached/.test(result.content)], ["error", true]);
  });

  void test("OpenCode is understood, and gone on with", async (t) => {
    const { ground, words } = await withProgram(t, "opencode", [
      { type: "step_start", timestamp: 1, sessionID: "ses_1", part: { type: "step-start" } },
      {
        type: "tool_use",
        sessionID: "ses_1",
        part: { tool: "bash", state: { status: "completed", title: "List files", input: { command: "ls" } } },
      },
      { type: "text", sessionID: "ses_1", part: { type: "text", text: "It is done." } },
      { type: "step_finish", sessionID: "ses_1", part: { reason: "stop" } },
    ]);
    const { result, output } = await shown(opencodeTool(partsOf(ground)), { prompt: "go", session_id: "ses_1" });
    assert.equal(result.content, "It is done.\n\n(session_id: ses_1)");
    assert.equal(output, "› bash List files\nIt is done.\n");
    assert.deepEqual(await words(), ["run", "--format", "json", "--session", "ses_1"]);
  });

  void test("one that is not installed is named", async (t) => {
    const ground = await openGround(t);
    const { result } = await shown(opencodeTool(partsOf(ground)), { prompt: "x" });
    assert.equal(result.outcome, "error");
    assert.match(result.content, /OpenCode is not installed here: there is no program opencode/);
  });

  void test("one that ends without an answer says what it complained of", async (t) => {
    const { ground } = await withProgram(t, "claude", ["Invalid API key"], "exit 1");
    const { result } = await shown(claudeCodeTool(partsOf(ground)), { prompt: "x" });
    assert.match(result.content, /exit code 1\): Invalid API key/);
  });

  void test("a call is found again by the next server, which reads the stream from its beginning", async (t) => {
    const wait =
      'until [ -e "$PWD/go" ]; do sleep 0.02; done; echo \'{"type":"text","sessionID":"ses_2","part":{"text":"late"}}\'';
    const first = [{ type: "text", sessionID: "ses_2", part: { text: "early" } }];
    const { ground } = await withProgram(t, "opencode", first, wait);
    const abort = new AbortController();
    const call = { call_id: "c", tool_name: "opencode_exec", arguments: { prompt: "x" } };
    let before = "";
    const shownFirst = context({ signal: abort.signal, onOutput: (text) => (before += text) });
    const running = opencodeTool(partsOf(ground)).run(call, shownFirst);
    await until("the first line is shown", () => before.includes("early"));
    abort.abort("drain");
    await running;
    const second = await ground.again();
    let after = "";
    const resumed = opencodeTool(partsOf(second)).resume?.(call, {
      ...shownFirst,
      signal: new AbortController().signal,
      onOutput: (text) => (after += text),
    });
    await until("it is shown again", () => after.includes("early"));
    await writeFile(join(second.workspace, "go"), "");
    assert.equal((await resumed)?.content, "late\n\n(session_id: ses_2)");
    assert.equal(await opencodeTool(partsOf(second)).resume?.(call, context()), null);
  });
});
