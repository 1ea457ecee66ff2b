import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";

import type { ArtifactStore } from "../../ports/artifact-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Command, CommandRunner } from "../../ports/command-runner.ts";
import type { Sandbox } from "../../ports/sandbox.ts";
import type { Log } from "../../ports/telemetry.ts";
import type { ToolContext } from "../../ports/tool.ts";
import type { ToolResult } from "../../schema/session-event.ts";
import { errorCode } from "../error-code.ts";
import { CommandOutput, type OutputKind } from "./command-output.ts";
import { commandResult } from "./command-result.ts";
import { callVariables, minimalEnvironment } from "./minimal-environment.ts";
import { RunningCommand } from "./running-command.ts";
import { Watchdog } from "./watchdog.ts";

/** An artifact that is not stored so long after its command has ended is given up. */
const storeGraceMs = 30_000;

export type CommandRunnerParts = {
  sandbox: Sandbox;
  artifacts: Pick<ArtifactStore, "put">;
  clock: Clock;
  log: Log;
  /** The server's; a tool gets the little that `minimalEnvironment` lets through. */
  env: NodeJS.ProcessEnv;
  /** Takes secrets out of bytes that come in pieces, each as the character of its number (Latin-1), before they are stored or shown. */
  redactBytes(): { push(piece: string): string; end(): string };
};

/** Commands as process groups of their own. One watchdog for all ends them should this process be killed. */
export function createCommandRunner(parts: CommandRunnerParts): CommandRunner {
  const environment = minimalEnvironment(parts.env);
  const watchdog = new Watchdog();
  const running = new Set<RunningCommand>();

  return {
    async run(command, context) {
      if (context.signal.aborted) return refused("Cancelled before it ran.", "cancelled");
      for (const folder of command.writable) await mkdir(folder, { recursive: true, mode: 0o700 });
      const runId = parts.clock.ulid();
      const mark = `DURAGENT_RUN_ID=${runId}`;
      const start = parts.sandbox.confine({
        ...command,
        env: { ...environment, ...command.env, ...callVariables(context), DURAGENT_RUN_ID: runId },
      });
      const output = new CommandOutput((content, kind) => storeOutput(parts, context, { content, kind }));
      const started = await RunningCommand.start(start, {
        ...parts,
        context,
        output,
        mark,
        stdin: command.stdin,
        timeoutMs: command.timeoutMs,
        sandboxed: parts.sandbox.kind === "bubblewrap",
      });
      if (started instanceof Error) return refused(startFault(started, command));
      // Inside a sandbox everything dies with its parent; elsewhere nothing does by itself.
      const forget = parts.sandbox.kind === "none" ? watchdog.watch(started.pid, mark) : () => undefined;
      running.add(started);
      try {
        const end = await started.ended;
        return commandResult(end, await finished(output, parts));
      } finally {
        running.delete(started);
        forget();
      }
    },

    async close() {
      await Promise.all([...running].map((command) => command.stop("the server stops")));
      watchdog.close();
    },
  };
}

async function finished(output: CommandOutput, { clock, log, redactBytes }: CommandRunnerParts) {
  const redact = (bytes: Buffer): Buffer => {
    const stream = redactBytes();
    return Buffer.from(stream.push(bytes.toString("latin1")) + stream.end(), "latin1");
  };
  const tooLong = new AbortController();
  const cancel = clock.after(storeGraceMs, () => tooLong.abort());
  const text = await output.finish(tooLong.signal, redact);
  cancel();
  if (text.artifact instanceof Error) log.warn({ err: text.artifact }, "a command's output could not be stored");
  return text;
}

type Output = { content: AsyncIterable<Uint8Array>; kind: OutputKind };

function storeOutput({ artifacts }: CommandRunnerParts, context: ToolContext, { content, kind }: Output) {
  const name = `${outputName(context.idempotencyKey)}.${kind === "text" ? "txt" : "bin"}`;
  const contentType = kind === "text" ? "text/plain; charset=utf-8" : "application/octet-stream";
  return artifacts.put(context.agent, name, content, { content_type: contentType, session_id: context.sessionId });
}

/** Unique to the call, as call ids of providers are not; what can not stand in a name makes a digest of it. */
function outputName(key: string): string {
  const plain = /^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$/.test(key);
  return `outputs/${plain ? key : createHash("sha256").update(key).digest("hex").slice(0, 32)}`;
}

const refused = (content: string, outcome: "error" | "cancelled" = "error"): ToolResult => ({
  success: false,
  outcome,
  content,
});

function startFault(error: Error, { argv, cwd }: Command): string {
  const code = errorCode(error);
  if (code === "ENOENT") return `Nothing was run: there is no program ${argv[0]}, or no folder ${cwd}.`;
  if (code === "E2BIG") return "Nothing was run: the command is longer than the system takes; put it into a file.";
  return `Nothing was run: ${argv[0]} could not be started (${error.message}).`;
}
