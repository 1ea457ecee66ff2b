import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { checkCodingAgents } from "../../src/app/doctor/check-coding-agents.ts";
import type { AgentCatalog } from "../../src/runtime/agents/catalog-types.ts";
import { testAgent } from "../support/runtime-harness.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

test("doctor names the coding agents that an agent lists and that are not installed", async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "codex"), "#!/bin/sh\n");
  await chmod(join(folder, "codex"), 0o755);
  const agent = testAgent({});
  const tools = (["claude_code_exec", "codex_exec"] as const).map((name) => ({ type: "builtin" as const, name }));
  agent.definition.spec = { ...agent.definition.spec, tools };
  const catalog: AgentCatalog = {
    list: () => [{ name: agent.name }],
    invalid: () => [],
    get: () => Promise.resolve(agent),
    version: () => Promise.resolve(undefined),
    inline: () => agent,
    keep: () => Promise.resolve(),
    reload: () => Promise.resolve(1),
    onChange: () => () => {},
  };
  const checks = await checkCodingAgents({ catalog, env: { PATH: `/nowhere:${folder}` } });
  assert.deepEqual(
    checks.map(({ status, message }) => [status, message]),
    [["warn", "tester: the tool claude_code_exec needs Claude Code, and there is no program claude on the PATH"]],
  );
});
