import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { createSystemClock } from "../adapters/clock/system.ts";
import { nodeFileSystem } from "../adapters/file-system/node.ts";
import { policyProblemsIn } from "../adapters/policy/policy-file.ts";
import { openAgentStore } from "../adapters/stores/registry.ts";
import type { InvalidAgent } from "../runtime/agents/catalog-types.ts";
import { loadAgent } from "../runtime/agents/load-agent.ts";
import { CommandFailure, exitCodes } from "../surfaces/cli/exit.ts";

/** Reads one agent as a server would, and nothing else. `path`: a folder, its agent.yaml, or a single file; absolute. */
export async function validateAgentAt(
  path: string,
): Promise<{ name: string; warnings: readonly string[] } | InvalidAgent> {
  const facts = await stat(path).catch(() => null);
  if (facts === null)
    throw new CommandFailure(exitCodes.failed, `there is nothing at ${path}`, {
      hint: "name an agent's folder, e.g. .duragent/agents/demo",
    });
  const place = facts.isFile() && basename(path) === "agent.yaml" ? dirname(path) : path;
  const parent = dirname(place);
  const name = basename(place);
  const store = await openAgentStore(
    // Only what lies at the place itself is judged: no shared directives, nothing deployed.
    {
      staticPath: parent,
      dynamicPath: join(parent, ".none"),
      directivesPath: join(parent, ".none"),
      versionsPath: join(parent, ".none"),
    },
    { clock: createSystemClock(), fileSystem: nodeFileSystem },
  );
  const read = await store.read(`static/${name}`);
  const refuse = (message: string): InvalidAgent => ({
    name,
    errors: [{ file: "agent.yaml", message }],
    servingLastGood: false,
  });
  if (read.kind === "gone") return refuse("is missing");
  if (read.kind === "changing") return refuse("is being written; look again");
  if (read.kind === "unreadable") return refuse(read.message);
  const load = loadAgent(read);
  const policy = policyProblemsIn(place).map((problem) => ({ ...problem, file: basename(problem.file) }));
  if (load.ok && policy.length === 0) return { name: load.agent.name, warnings: load.agent.warnings };
  return { name, errors: [...(load.ok ? [] : load.errors), ...policy], servingLastGood: false };
}
