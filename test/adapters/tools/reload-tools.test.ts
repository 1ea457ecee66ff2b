import assert from "node:assert/strict";
import { test } from "node:test";

import { reloadToolsTool } from "../../../src/adapters/tools/reload-tools.ts";
import { contextOf } from "../processes/command-context.ts";
import { call } from "./recorded-commands.ts";

void test("reload_tools says what was found and where it was looked for", async () => {
  const tools = [{ name: "a", description: "Does a." }];
  const tool = reloadToolsTool({ reloadTools: () => Promise.resolve({ tools, folders: ["/x/tools"] }) });
  const result = await tool.run(call("reload_tools", {}), contextOf());
  assert.deepEqual(JSON.parse(result.content), {
    discovered_tools: tools,
    count: 1,
    directories_scanned: ["/x/tools"],
  });
  assert.equal(tool.effect, "pure");
  assert.notEqual(tool.fault(call("reload_tools", { more: 1 })), null);
});
