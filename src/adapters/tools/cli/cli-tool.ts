import type { Command, CommandRunner } from "../../../ports/command-runner.ts";
import type { Tool, ToolEffect } from "../../../ports/tool.ts";
import { isJsonObject } from "../../../schema/json-object.ts";
import type { ToolCall } from "../../../schema/session-event.ts";
import type { ToolAgent } from "../parts.ts";
import type { ArgumentFault } from "../../bounded-check.ts";
import { splitWords } from "./split-words.ts";

const timeoutMsDefault = 120_000;
/** What is longer is on stdin only: the system limits an environment. */
const variableLengthMax = 32 * 1024;

export type Program = {
  name: string;
  description: string;
  argv: readonly [string, ...string[]];
  /** Besides the agent's own readable folders. */
  readable: readonly string[];
  effect: ToolEffect;
  timeoutMs?: number | undefined;
  env?: Readonly<Record<string, string>> | undefined;
  /** Its own JSON Schema; without one it takes words. */
  parameters?: { schema: Record<string, unknown>; faultOf: ArgumentFault } | undefined;
};

type CliParts = { agent: Pick<ToolAgent, "workspace" | "readable">; commands: CommandRunner };

/** A program as a tool. Words of the model are words of its argument vector, never text that a shell reads. */
export function cliTool(program: Program, { agent, commands }: CliParts): Tool {
  const { name, description, parameters } = program;
  const faultOf = parameters?.faultOf ?? faultOfWords;
  return {
    definition: { name, description, parameters: parameters?.schema ?? wordsSchema },
    effect: program.effect,
    fault(call) {
      const fault = faultOf(call.arguments);
      return fault === null ? null : `The arguments of ${name} are wrong, so nothing was run: ${fault}`;
    },
    describe: () => ({ type: "cli", text: name }),
    run: (call, context) =>
      commands.run(
        {
          ...commandOf(program, call),
          cwd: agent.workspace,
          writable: [agent.workspace],
          readable: [...agent.readable, ...program.readable],
          timeoutMs: program.timeoutMs ?? timeoutMsDefault,
        },
        context,
      ),
  };
}

const wordsSchema = {
  type: "object",
  properties: {
    args: {
      description: "Words to call it with, as a list, or as one line with quotes where a word has blanks.",
      anyOf: [{ type: "array", items: { type: "string" } }, { type: "string" }],
    },
  },
  additionalProperties: false,
};

function faultOfWords(given: unknown): string | null {
  const unknown = Object.keys(isJsonObject(given) ? given : {}).find((key) => key !== "args");
  if (unknown !== undefined) return `there is no argument ${unknown}, only args`;
  return wordsOf(given) === null ? "args: expected a list of words, or one line whose quotes are closed" : null;
}

function wordsOf(given: unknown): readonly string[] | null {
  const args: unknown = isJsonObject(given) ? given["args"] : undefined;
  if (args === undefined || args === null) return [];
  if (typeof args === "string") return splitWords(args);
  if (!Array.isArray(args)) return null;
  const words = args.filter((word): word is string => typeof word === "string");
  return words.length === args.length ? words : null;
}

function commandOf({ argv, env, parameters }: Program, call: ToolCall): Pick<Command, "argv" | "env" | "stdin"> {
  if (parameters === undefined) return { argv: [...argv, ...(wordsOf(call.arguments) ?? [])], ...(env ? { env } : {}) };
  const variables = Object.entries(isJsonObject(call.arguments) ? call.arguments : {}).flatMap(([key, value]) => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    if (text.length > variableLengthMax || text.includes("\0")) return [];
    return [[`ARG_${key.toUpperCase().replaceAll(/[^A-Z0-9_]/g, "_")}`, text] as const];
  });
  return { argv, env: { ...env, ...Object.fromEntries(variables) }, stdin: `${JSON.stringify(call.arguments)}\n` };
}
