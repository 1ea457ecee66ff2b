import type { z } from "zod";

import { invocationOf } from "../../domain/hooks/match-call.ts";
import type { Tool, ToolContext, ToolEffect } from "../../ports/tool.ts";
import { DuragentError } from "../../schema/problem.ts";
import type { ToolCall, ToolResult } from "../../schema/session-event.ts";
import { ToolFault } from "./tool-fault.ts";
import { toolParameters } from "./tool-parameters.ts";

export type ToolOptions<Arguments> = {
  name: string;
  /** What it is for, for the model. */
  description: string;
  /** A strict object, or a union of such by `action`: unknown keys are the model's errors, nothing is filled in silently. */
  arguments: z.ZodType<Arguments>;
  effect: ToolEffect;
  effectOf?(given: Arguments): ToolEffect;
  parallelSafe?: boolean;
  /** What is shown and matched; without it `name`, or `name:action` where there is an action. */
  describe?(given: Arguments): ReturnType<Tool["describe"]>;
  /** A `ToolFault` or `DuragentError` that it throws is the call's result for the model, unless the disk has failed. */
  run(given: Arguments, context: ToolContext): Promise<ToolResult>;
  resume?(given: Arguments, context: ToolContext): Promise<ToolResult | null>;
};

const diskFailures: ReadonlySet<string> = new Set(["storage-failed", "storage-full"]);

/** A built-in tool whose arguments are what its schema says before anything else happens. */
export function defineTool<Arguments>(options: ToolOptions<Arguments>): Tool {
  const { effectOf, resume } = options;
  const parse = (call: ToolCall): Arguments => options.arguments.parse(call.arguments);
  return {
    definition: { name: options.name, description: options.description, parameters: toolParameters(options.arguments) },
    effect: options.effect,
    ...(options.parallelSafe === undefined ? {} : { parallelSafe: options.parallelSafe }),
    ...(effectOf
      ? {
          effectOf: (call: ToolCall) => {
            const parsed = options.arguments.safeParse(call.arguments);
            return parsed.success ? effectOf(parsed.data) : options.effect;
          },
        }
      : {}),
    fault: (call) => faultOf(options.arguments, call),
    describe(call) {
      const parsed = options.arguments.safeParse(call.arguments);
      if (parsed.success && options.describe) return options.describe(parsed.data);
      return { type: "builtin", text: invocationOf({ ...call, tool_name: options.name }) };
    },
    run: (call, context) => answered(() => options.run(parse(call), context)),
    ...(resume
      ? { resume: (call: ToolCall, context: ToolContext) => answered(() => resume(parse(call), context)) }
      : {}),
  };
}

/** What can not be had is an answer for the model. Of a disk that fails the operator must hear, too: that goes on, as bugs do. */
async function answered<Result>(act: () => Promise<Result>): Promise<Result | ToolResult> {
  try {
    return await act();
  } catch (error) {
    const isAnswer = error instanceof DuragentError ? !diskFailures.has(error.code) : error instanceof ToolFault;
    if (error instanceof Error && isAnswer) return errorResult(error.message);
    throw error;
  }
}

function faultOf(schema: z.ZodType, call: ToolCall): string | null {
  const parsed = schema.safeParse(call.arguments);
  if (parsed.success) return null;
  const faults = parsed.error.issues.map((issue) =>
    issue.path.length > 0 ? `${issue.path.join(".")}: ${issue.message}` : issue.message,
  );
  return `The arguments of ${call.tool_name} are wrong, so nothing was run: ${faults.join("; ")}`;
}

/** What a tool has to say when it did what it was asked to. */
export const okResult = (content: string, more: Partial<ToolResult> = {}): ToolResult => ({
  success: true,
  outcome: "ok",
  content,
  ...more,
});

/** What the model did wrong, or what did not work, in a sentence that says what to do instead. */
export const errorResult = (content: string): ToolResult => ({ success: false, outcome: "error", content });
