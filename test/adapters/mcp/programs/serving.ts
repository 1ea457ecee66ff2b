// Starts an MCP server as the runtime does, says "ready" and waits. Arguments: a folder, and the kind of sandbox.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { Watchdog } from "../../../../src/adapters/processes/watchdog.ts";
import { bubblewrap } from "../bubblewrap.ts";
import { mcpHarness, namesOf, openField } from "../mcp-harness.ts";

const [folder = "", kind] = process.argv.slice(2);
const served = join(folder, "served");
await mkdir(served, { recursive: true });
const watchdog = new Watchdog();
const nowhere = { after: () => undefined, diagnostic: () => undefined };
const sandbox = kind === "none" ? openField : await bubblewrap(nowhere);
if (sandbox === null) throw new Error("there is no sandbox");
const { servers, agentWith, odd } = await mcpHarness(nowhere, {
  sandbox,
  // Inside the sandbox the kernel sees to it.
  ...(kind === "none" ? { watch: (group, mark) => watchdog.watch(group, mark) } : {}),
});
const entry = odd("ignores-the-end");
const { tools, problems } = await servers.toolsOf(agentWith({ ...entry, args: [...(entry.args ?? []), served] }));
console.log(namesOf(tools).length > 0 ? "ready" : problems.join());
setInterval(() => undefined, 1000);
