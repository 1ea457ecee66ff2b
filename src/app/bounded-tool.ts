import { createHash } from "node:crypto";

import { textTokens } from "../domain/prompt/tokens.ts";
import type { ArtifactStore } from "../ports/artifact-store.ts";
import type { Log } from "../ports/telemetry.ts";
import type { Tool, ToolContext } from "../ports/tool.ts";
import type { ToolResult } from "../schema/session-event.ts";

/** What a result may hold for the log and the model; the rest is in an artifact. */
const resultBytesMax = 256 * 1024;

/** What shows a part that was asked for is asked for another part, instead of keeping each in an artifact. */
const paging: ReadonlySet<string> = new Set(["artifact", "read_file", "list_files", "search_files"]);

export type BoundParts = {
  artifacts: Pick<ArtifactStore, "put">;
  /** What of a result the model is shown; past it the whole is in an artifact that the model is told of. */
  shownTokensMax(): number;
  /** Takes known secrets out: a cut must not go through one. */
  redact(text: string): string;
  log: Log;
};

/** The same tool, with results of a bounded size. What it already keeps in an artifact is left as it is. */
export function boundedTool(tool: Tool, parts: BoundParts): Tool {
  const { run, resume } = tool;
  return {
    ...tool,
    run: async (call, context) => bounded(tool, await run.call(tool, call, context), context, parts),
    ...(resume
      ? {
          resume: async (call, context) => {
            const found = await resume.call(tool, call, context);
            return found && bounded(tool, found, context, parts);
          },
        }
      : {}),
  };
}

async function bounded(
  { definition: { name } }: Tool,
  result: ToolResult,
  context: ToolContext,
  parts: BoundParts,
): Promise<ToolResult> {
  const isLogged = Buffer.byteLength(result.content) <= resultBytesMax;
  const isShown = paging.has(name) || textTokens(result.content) <= parts.shownTokensMax();
  if (isLogged && (isShown || result.artifact !== undefined)) return result;
  const whole = Buffer.from(parts.redact(result.content));
  const artifact = result.artifact ?? (await keep(whole, context, parts));
  if (isLogged) return artifact === undefined ? result : { ...result, artifact };
  const half = Math.floor(resultBytesMax / 2);
  const left = whole.length - 2 * half;
  if (left <= 0) return { ...result, content: whole.toString() };
  const where = artifact === undefined ? "could not be kept" : `is the artifact ${artifact}`;
  const content = `${textOf(whole.subarray(0, half))}\n[… ${left} bytes are left out; the whole ${where} …]\n${textOf(whole.subarray(-half))}`;
  return { ...result, content, ...(artifact === undefined ? {} : { artifact }) };
}

async function keep(
  whole: Uint8Array,
  context: ToolContext,
  { artifacts, log }: BoundParts,
): Promise<string | undefined> {
  const name = `outputs/${createHash("sha256").update(context.idempotencyKey).digest("hex").slice(0, 32)}.txt`;
  try {
    const ref = await artifacts.put(context.agent, name, ReadableStream.from([whole]), {
      content_type: "text/plain; charset=utf-8",
      session_id: context.sessionId,
    });
    return ref.name;
  } catch (error) {
    log.warn({ session_id: context.sessionId, err: error }, "a long result could not be kept as an artifact");
    return undefined;
  }
}

// Characters that the cut went through become U+FFFD and are dropped.
const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString()
    .replaceAll(/^�+|�+$/gu, "");
