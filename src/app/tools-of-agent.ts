import { DuragentError } from "../schema/problem.ts";
import type { ToolSet } from "../runtime/parts.ts";

/** This version runs no tools: the model learns so when it calls one, and the agent's warnings name those that are set. */
export const noTools: ToolSet = {
  tools: [],
  prepare: () => Promise.resolve(),
  decide: () => ({ policy: "deny", denial: "tools need a later version of Duragent" }),
  pattern: (tool, call) => `${tool.describe(call).type}:${tool.describe(call).text}`,
  missing: (name) => `The tool ${name} can not be run: tools need a later version of Duragent. Go on without it.`,
  ran: () => undefined,
  allowAlways: () =>
    Promise.reject(new DuragentError("not-found", "there is no policy to keep this in: tools need a later version")),
};
