import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { checkPrograms } from "../../src/app/doctor/check-programs.ts";
import type { AgentCatalog } from "../../src/runtime/agents/catalog-types.ts";
import { put } from "../adapters/sandboxes/sandboxed.ts";
import { testAgent } from "../support/runtime-harness.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

test("doctor names programs that can not be called, those that all agents share once", async (t) => {
  const home = await temporaryFolder(t);
  const agent = { ...testAgent({}), home };
  agent.definition.spec = { ...agent.definition.spec, tools: [{ type: "cli", name: "gone", command: "./gone.sh" }] };
  const catalog: Pick<AgentCatalog, "list" | "get"> = {
    list: () => [{ name: "a" }, { name: "b" }],
    get: () => Promise.resolve(agent),
  };
  const shared = join(home, "shared");
  await put(join(shared, "plain/run"), "#!/bin/sh\n", 0o644);
  await put(join(home, "tools/fine/run"), "#!/bin/sh\n", 0o755);
  assert.deepEqual(
    (await checkPrograms(catalog, shared)).map(({ status, message }) => `${status} ${message}`),
    [
      "warn a: the tool gone: there is no ./gone.sh in the agent's folder",
      `warn ${shared}/plain: run is not an executable file; chmod +x makes it one`,
      "warn b: the tool gone: there is no ./gone.sh in the agent's folder",
    ],
  );
});
