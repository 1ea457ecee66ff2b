import assert from "node:assert/strict";
import { test } from "node:test";

import { boundedTool } from "../../src/app/bounded-tool.ts";
import type { ArtifactStore } from "../../src/ports/artifact-store.ts";
import type { Tool } from "../../src/ports/tool.ts";
import { redactor } from "../../src/domain/redact.ts";
import { DuragentError } from "../../src/schema/problem.ts";
import type { ToolResult } from "../../src/schema/session-event.ts";
import { recordingLog } from "../support/runtime-harness.ts";
import { toolContext } from "../support/tool-context.ts";

const secret = "sk-very-secret-0123456789";
const limit = 256 * 1024;
const call = { call_id: "c1", tool_name: "say", arguments: {} };
const context = toolContext();

function saying(result: ToolResult, put?: ArtifactStore["put"], shown: { name?: string; tokensMax?: number } = {}) {
  const kept = new Map<string, string>();
  const tool: Tool = {
    definition: { name: shown.name ?? "say", description: "says", parameters: { type: "object" } },
    effect: "pure",
    fault: () => null,
    describe: () => ({ type: "mcp", text: "say" }),
    run: () => Promise.resolve(result),
  };
  const store: ArtifactStore["put"] = async (_agent, name, content, meta) => {
    const parts = await Array.fromAsync(content);
    kept.set(name, Buffer.concat(parts).toString());
    const stored = { content_type: meta.content_type ?? "", bytes: 0, sha256: "", created_at: "" };
    return { id: name, name, meta: stored };
  };
  const artifacts = { put: put ?? store };
  const { text: redact } = redactor([secret]);
  return {
    kept,
    run: () =>
      boundedTool(tool, {
        artifacts,
        shownTokensMax: () => shown.tokensMax ?? limit,
        redact,
        log: recordingLog([]),
      }).run(call, context),
  };
}

const ok = (content: string): ToolResult => ({ success: true, outcome: "ok", content });

test("a result of 256 KiB is left as it is", async () => {
  const result = ok("x".repeat(limit));
  const { kept, run } = saying(result);
  assert.equal(await run(), result);
  assert.equal(kept.size, 0);
});

test("what is longer than the model is shown is whole in the log, and in an artifact that it can read on from", async () => {
  const said = `begin ${"x".repeat(100)} ${secret} end`;
  const { kept, run } = saying(ok(said), undefined, { tokensMax: 20 });
  const result = await run();
  assert.equal(result.content, said);
  assert.equal(kept.get(result.artifact ?? ""), said.replace(secret, "***"));
});

test("a tool that shows the part that is asked for keeps none of them", async () => {
  const { kept, run } = saying(ok("x".repeat(1_000)), undefined, { name: "read_file", tokensMax: 20 });
  assert.equal((await run()).artifact, undefined);
  assert.equal(kept.size, 0);
});

test("a longer one keeps its beginning and its end, and the whole is in an artifact", async () => {
  const { kept, run } = saying(ok(`begin ${"ä€😀".repeat(limit)} end`));
  const result = await run();
  assert.match(result.content, /^begin ä/);
  assert.match(result.content, / end$/);
  assert.doesNotMatch(result.content, /\ufffd/);
  assert.ok(Buffer.byteLength(result.content) < limit + 500);
  assert.ok(result.content.includes(`the whole is the artifact ${result.artifact}`));
  assert.ok(kept.get(result.artifact ?? "")?.endsWith(" end"));
});

test("no part of a secret is left where the cut goes through it", async () => {
  for (const place of [limit / 2 - 10, limit - limit / 2 + 60_000 - 10]) {
    const { kept, run } = saying(ok(`${"a".repeat(place)}${secret}${"b".repeat(limit + 60_000 - place)}`));
    const { content } = await run();
    assert.doesNotMatch(content, /sk-ve|56789/);
    assert.doesNotMatch([...kept.values()].join(""), /sk-ve|56789/);
  }
});

test("a full disk costs the rest of the result, not the result", async () => {
  const { run } = saying(ok("x".repeat(2 * limit)), () => Promise.reject(new DuragentError("storage-full", "full")));
  const result = await run();
  assert.equal(result.artifact, undefined);
  assert.match(result.content, /the whole could not be kept/);
});
