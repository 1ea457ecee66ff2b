import { join } from "node:path";

import { createSystemClock } from "../adapters/clock/system.ts";
import { nodeFileSystem } from "../adapters/file-system/node.ts";
import { createFilePolicies } from "../adapters/policy/file-policies.ts";
import type { PolicyCall } from "../ports/tool.ts";
import { CommandFailure, exitCodes } from "../surfaces/cli/exit.ts";
import type { PolicyCheck, PolicyQuestion } from "../surfaces/cli/ground.ts";
import { openCatalog } from "./build-runtime.ts";
import type { LoadedConfig } from "./config/load-config.ts";
import { quietLog } from "./doctor/quiet-log.ts";

// Which calls of the built-in tools only read, as the tools themselves say.
const reading = new Set(
  `read_file list_files search_files web web:search web:fetch reload_tools memory:recall memory:search
  session:list artifact:get artifact:list background_process:list background_process:status background_process:log
  background_process:capture`.split(/\s+/),
);

/** What the policy files say about a call of an agent, whether or not a server runs. Throws CommandFailure where there is no such agent. */
export async function checkPolicy({ config }: LoadedConfig, question: PolicyQuestion): Promise<PolicyCheck> {
  const clock = createSystemClock();
  const catalog = await openCatalog(config, { log: quietLog, clock });
  try {
    const agent = await catalog.get(question.agent);
    if (agent === undefined)
      throw noAgent(
        question.agent,
        catalog.invalid().some(({ name }) => name === question.agent),
      );
    const policy = createFilePolicies({
      workspaceFile: join(config.dataDir, "policy.yaml"),
      fileSystem: nodeFileSystem,
      log: quietLog,
      clock,
    }).of(agent);
    const call: PolicyCall = {
      type: question.type,
      text: question.text,
      effect: question.type === "builtin" && reading.has(question.text.toLowerCase()) ? "pure" : "unsafe",
    };
    return { ...policy.explain(call), always: policy.alwaysPatterns(call), problems: policy.problems() };
  } finally {
    await catalog.close();
  }
}

function noAgent(name: string, isInvalid: boolean): CommandFailure {
  return isInvalid
    ? new CommandFailure(exitCodes.failed, `the agent ${name} is not valid`, {
        hint: "`duragent doctor` says what is wrong with it",
      })
    : new CommandFailure(exitCodes.failed, `there is no agent ${name}`, {
        hint: "`duragent agent list` shows the agents there are",
      });
}
