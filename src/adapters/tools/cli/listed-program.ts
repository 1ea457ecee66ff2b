import { realpath } from "node:fs/promises";
import { isAbsolute, join, sep } from "node:path";

import type { AgentTool } from "../../../schema/agent-tools.ts";
import { isExecutable } from "../../find-program.ts";
import { isWithin } from "../../is-within.ts";
import type { ToolAgent } from "../parts.ts";
import { argumentSchema } from "./argument-schema.ts";
import type { Program } from "./cli-tool.ts";
import { describedBy } from "./description.ts";

export type ListingAgent = Pick<ToolAgent, "home" | "files" | "isForeign">;
export type ListedTool = Extract<AgentTool, { type: "cli" }>;

/**
 * A tool of agent.yaml as a program. Relative paths start at the agent's folder. Throws Error with what is wrong: such a
 * tool is not offered.
 */
export async function listedProgram(tool: ListedTool, agent: ListingAgent): Promise<Program> {
  const { argv, readable } = await commandOf(tool.command, agent);
  return {
    name: tool.name,
    description: describedBy(tool.name, tool.description, readmeOf(tool, agent)),
    argv,
    readable: agent.home === "" ? readable : [join(agent.home, "tools"), ...readable],
    // A program has no handle by which a call could be found again.
    effect: tool.effect === undefined || tool.effect === "resumable" ? "unsafe" : tool.effect,
    timeoutMs: tool.timeout,
    env: tool.env,
    parameters: tool.parameters === undefined ? undefined : await parametersOf(tool.parameters),
  };
}

async function parametersOf({ $schema: _, ...schema }: Record<string, unknown>): Promise<Program["parameters"]> {
  if (schema["type"] !== "object") throw new Error('"parameters" must be a JSON Schema with "type": object');
  try {
    return { schema, faultOf: await argumentSchema(schema) };
  } catch (error) {
    throw new Error(
      `"parameters" is no JSON Schema that can be checked: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

async function commandOf(
  command: string | readonly string[],
  agent: ListingAgent,
): Promise<{ argv: readonly [string, ...string[]]; readable: string[] }> {
  const { home } = agent;
  const isLine = typeof command === "string";
  const [first = "", rest = ""] = isLine ? splitOnce(command) : [command[0], ""];
  const program = isPath(first) ? await programOf(first, home) : first;
  const readable = isAbsolute(program) && (await mayShow(program, agent)) ? [program] : [];
  if (!isLine) return { argv: [program, ...command.slice(1)], readable };
  if (isPath(first) && rest === "") return { argv: [program], readable };
  // The words of the model come after the line as "$@": never as its text.
  const line = isPath(first) ? `'${program.replaceAll("'", `'\\''`)}'${rest}` : command;
  return { argv: ["bash", "-c", `${line} "$@"`, "bash"], readable };
}

/** Who reaches the API can name any file of this machine: what it names is shown to it only where it is its own. */
async function mayShow(program: string, { home, isForeign }: ListingAgent): Promise<boolean> {
  if (home !== "" && isForeign !== true) return true;
  return home !== "" && isWithin(await realpath(home), await realpath(program));
}

const splitOnce = (line: string): [string, string] => {
  const [first = ""] = line.split(/\s/, 1);
  return [first, line.slice(first.length).trimEnd()];
};

/** A program that is named by where it is; anything else is for PATH, or for the shell, to find. */
const isPath = (word: string): boolean => /^[\w@%+=:,./~-]*\/[\w@%+=:,./~-]*$/.test(word) && !word.startsWith("~");

async function programOf(path: string, home: string): Promise<string> {
  if (!isAbsolute(path) && home === "")
    throw new Error(`${path} is relative, and this agent has no folder; give an absolute path, or a program of PATH`);
  const program = isAbsolute(path) ? path : await realpath(join(home, path)).catch(() => null);
  if (program === null) throw new Error(`there is no ${path} in the agent's folder`);
  if (!isAbsolute(path) && !program.startsWith(home + sep))
    throw new Error(`${path} lies outside of the agent's folder`);
  if (!(await isExecutable(program))) throw new Error(`${path} is not there or not executable; chmod +x makes it so`);
  return program;
}

function readmeOf({ readme }: ListedTool, { files }: Pick<ToolAgent, "files">): Uint8Array | undefined {
  if (readme === undefined) return undefined;
  const found = files.get(readme.replace(/^\.\//, ""));
  if (found === undefined)
    throw new Error(`there is no file ${readme} in the agent's folder, or it is no .md under tools/`);
  return found;
}
