import assert from "node:assert/strict";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";

import { nodeFileSystem } from "../../../../src/adapters/file-system/node.ts";
import { openArtifactStore } from "../../../../src/adapters/stores/registry.ts";
import { artifactTool } from "../../../../src/adapters/tools/artifact.ts";
import { editFileTool } from "../../../../src/adapters/tools/files/edit-file.ts";
import { writeFileTool } from "../../../../src/adapters/tools/files/write-file.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";
import { pieces } from "../../../suites/artifact-store.ts";
import { waysToOwnRules } from "../../../tables/own-rules.ts";
import { call, workbench } from "./workbench.ts";

const governing = [
  "duragent.yaml",
  ".env",
  ".agents/skills/shared/SKILL.md",
  ".duragent/policy.yaml",
  ".duragent/directives/kind.md",
  ".duragent/tools/shell/run",
  ".duragent/server.json",
  ".duragent/agents/tester/agent.yaml",
  ".duragent/agents/tester/policy.yaml",
  ".duragent/agents/tester/SOUL.md",
  ".duragent/agents/tester/tools/shell/run",
  ".duragent/agents/tester/skills/own/SKILL.md",
  ".duragent/agents/other/agent.yaml",
  ".duragent/sys/dyn_agents/tester/agent.yaml",
  ".duragent/sessions/session_01KADQ8K3T9V6Z2M4N5P7R8S9T/events.jsonl",
  ".duragent/workspace/other/notes.txt",
  ".duragent/artifacts/other/a",
];

/** Every file below a folder, with its content, but for one folder and what links lead to. */
async function contents(folder: string, except: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (path === except) continue;
    if (entry.isDirectory()) Object.assign(found, await contents(path, except));
    else if (entry.isFile()) found[path] = await readFile(path, "utf8");
  }
  return found;
}

test("no file tool changes what its agent is governed by, by any of the ways of the table", async (t) => {
  assert.ok(waysToOwnRules.length >= 20);
  const folder = await temporaryFolder(t);
  const data = join(folder, ".duragent");
  const home = join(data, "agents/tester");
  const workspace = join(data, "workspace/tester");
  for (const path of governing) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), "rule: ask\n");
  }
  await mkdir(workspace, { recursive: true });
  const readable = [join(home, "skills/own"), join(home, "tools"), join(data, "tools")];
  const agent = { ...(await workbench(t)).agent, home, workspace, readable };
  const place = { folder: join(data, "artifacts"), fs: nodeFileSystem, clock: new ManualClock() };
  const artifacts = await openArtifactStore("filesystem", place);
  await artifacts.put("tester", "a", pieces("rule: allow\n"), {});
  const before = await contents(folder, workspace);

  for (const way of waysToOwnRules.map((one) => one.replace("{data}", data))) {
    const [, name = "", target = ""] = /^link:(\S+) -> (\S+)$/.exec(way) ?? [];
    if (name !== "") await symlink(target, join(workspace, name));
    const paths = name === "" ? [way] : [name, `${name}/policy.yaml`, `${name}/new.yaml`];
    for (const path of paths) {
      const tries = [
        await call(writeFileTool({ agent }), { path, content: "rule: allow\n" }),
        await call(editFileTool({ agent }), { path, old: "ask", new: "allow" }),
        await call(artifactTool({ agent, artifacts }), { action: "get", name: "a", path }),
      ];
      for (const { outcome, content } of tries) assert.equal(outcome, "error", `${path}: ${content}`);
    }
  }
  assert.deepEqual(await contents(folder, workspace), before);
});
