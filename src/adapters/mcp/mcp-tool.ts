import { createHash } from "node:crypto";

import type { Progress, Tool as ListedTool } from "@modelcontextprotocol/client";

import type { Tool, ToolContext, ToolEffect } from "../../ports/tool.ts";
import { isJsonObject } from "../../schema/json-object.ts";
import type { ToolCall, ToolResult } from "../../schema/session-event.ts";
import type { ArgumentCheck } from "./argument-check.ts";
import type { McpAnswer, McpServer } from "./mcp-server.ts";
import { messageOf } from "./open-client.ts";
import { resultText } from "./result-text.ts";

const descriptionCharactersMax = 16 * 1024;
const progressCharactersMax = 1_000;

type Parts = {
  name: string;
  serverName: string;
  listed: ListedTool;
  check: ArgumentCheck;
  /** Looked up for each call: one that stood idle has been forgotten meanwhile. */
  server(): McpServer;
};

/** A server's tool as one of the agent's. */
export function mcpTool(parts: Parts): Tool {
  const { name, listed, check } = parts;
  const fingerprint = fingerprintOf(listed);
  const effect = effectOf(listed);
  return {
    definition: {
      name,
      description: (listed.description ?? listed.title ?? "").slice(0, descriptionCharactersMax),
      parameters: listed.inputSchema,
    },
    effect,
    parallelSafe: effect === "pure",
    fault(call) {
      const wrong = check.faultOf(call.arguments);
      return wrong === null ? null : `The arguments of ${name} are wrong, so nothing was run: ${wrong}`;
    },
    describe: () => ({ type: "mcp", text: name, fingerprint }),
    run: (call, context) => run(parts, fingerprint, call, context),
  };
}

/** SHA-256 of all that says what a tool does. */
export const fingerprintOf = ({
  name,
  title,
  description,
  inputSchema,
  outputSchema,
  annotations,
}: ListedTool): string =>
  createHash("sha256")
    .update(JSON.stringify(sorted({ name, title, description, inputSchema, outputSchema, annotations })))
    .digest("hex");

// A server may list the same keys in another order each time.
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const keys = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(keys.map(([key, member]: [string, unknown]) => [key, sorted(member)]));
}

/** As far as the server's own word goes; one that says it destroys something is never repeated on its word. */
function effectOf({ annotations }: ListedTool): ToolEffect {
  if (annotations?.destructiveHint === true) return "unsafe";
  if (annotations?.readOnlyHint === true) return "pure";
  return annotations?.idempotentHint === true ? "idempotent" : "unsafe";
}

async function run(parts: Parts, fingerprint: string, call: ToolCall, context: ToolContext): Promise<ToolResult> {
  const { name, listed, serverName } = parts;
  try {
    const answer = await parts.server().call({
      name: listed.name,
      arguments: isJsonObject(call.arguments) ? call.arguments : {},
      signal: context.signal,
      onProgress: (progress) => context.onOutput(progressLine(progress)),
      // It may have been started again since, or have changed its list: then it is another tool than was shown and approved.
      objection(tools) {
        const now = tools.find((tool) => tool.name === listed.name);
        if (!now) return `it no longer has the tool ${JSON.stringify(listed.name)}`;
        return fingerprintOf(now) === fingerprint
          ? null
          : "the tool has changed since it was offered: look at it again";
      },
    });
    return resultOf(answer, name, serverName);
  } catch (error) {
    // Where it was not cancelled, the server could not be asked at all.
    if (!context.signal.aborted) return resultOf({ kind: "unsent", reason: messageOf(error) }, name, serverName);
    const content = `The call was cancelled; the MCP server ${serverName} was told so. It may have taken effect.`;
    return { success: false, outcome: "cancelled", content };
  }
}

function resultOf(answer: McpAnswer, name: string, serverName: string): ToolResult {
  const failed = (outcome: ToolResult["outcome"], content: string): ToolResult => ({
    success: false,
    outcome,
    content,
  });
  switch (answer.kind) {
    case "answer": {
      const content = resultText(answer.result);
      return answer.result.isError === true ? failed("error", content) : { success: true, outcome: "ok", content };
    }
    case "refused":
      return failed("error", `The MCP server ${serverName} refused the call: ${answer.reason.slice(0, 10_000)}`);
    case "unsent":
      return failed("error", `${name} was not called: the MCP server ${serverName} can not be used: ${answer.reason}`);
    case "late":
      return failed(
        "timeout",
        `The MCP server ${serverName} gave no sign of life for ${answer.afterMs / 1000} s, so the call was given up. It may have taken effect.`,
      );
    case "lost":
      return failed(
        "interrupted",
        `The MCP server ${serverName} was lost during the call (${answer.reason}). The outcome is unknown: the call may or may not have taken effect.`,
      );
  }
}

function progressLine({ progress, total, message }: Progress): string {
  const counted = total === undefined ? String(progress) : `${progress}/${total}`;
  return `${message === undefined ? counted : `${counted} ${message.slice(0, progressCharactersMax)}`}\n`;
}
