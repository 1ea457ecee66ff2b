import { join } from "node:path";
import type { TestContext } from "node:test";

import type { ToolAgent } from "../../../src/adapters/tools/parts.ts";
import type { Command, CommandRunner } from "../../../src/ports/command-runner.ts";
import type { AgentTool } from "../../../src/schema/agent-tools.ts";
import { shortAgentSchema } from "../../../src/schema/agent.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

/** A runner that writes down what it is asked for. */
export function recordedCommands(): CommandRunner & { asked: Command[] } {
  const asked: Command[] = [];
  return {
    asked,
    run(command) {
      asked.push(command);
      return Promise.resolve({ success: true, outcome: "ok", content: "ran" });
    },
    close: () => Promise.resolve(),
  };
}

/** An agent with a folder of its own; `home: ""` makes it one of an inline definition. */
export async function agentWith(
  t: TestContext,
  tools: AgentTool[],
  more: Partial<ToolAgent> & { memory?: object } = {},
): Promise<ToolAgent & { folder: string; sharedFolder: string }> {
  const folder = await temporaryFolder(t);
  const { memory, ...given } = more;
  const model = { provider: "scripted", name: "./script.yaml" };
  return {
    name: "me",
    folder,
    home: join(folder, "agents/me"),
    sharedFolder: join(folder, "tools"),
    definition: shortAgentSchema.parse({ name: "me", model, tools, ...(memory ? { memory } : {}) }),
    files: new Map(),
    workspace: join(folder, "workspace/me"),
    readable: [],
    ...given,
  };
}

export const call = (name: string, given: unknown) => ({
  call_id: "call_1",
  tool_name: name,
  arguments: JSON.parse(JSON.stringify(given)),
});
