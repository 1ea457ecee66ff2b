import type { StartProcess } from "../../../ports/background-processes.ts";
import type { Confined } from "../../../ports/sandbox.ts";
import type { ToolContext } from "../../../ports/tool.ts";
import { callVariables, minimalEnvironment } from "../minimal-environment.ts";
import type { Ground } from "./ground.ts";
import { handleVariable } from "./process-table.ts";
import type { StoredProcess } from "./stored-process.ts";

/** What is durable of a process before it is started. */
export function newRecord(
  { command, label, cwd, timeoutMs, interactive, announceEnd }: StartProcess,
  context: ToolContext,
  { clock, files }: Pick<Ground, "clock" | "files">,
): StoredProcess {
  const handle = clock.ulid().toLowerCase();
  return {
    handle,
    session_id: context.sessionId,
    agent: context.agent,
    call_id: context.callId,
    idempotency_key: context.idempotencyKey,
    command: typeof command === "string" ? command : command.join(" "),
    ...(label === undefined ? {} : { label }),
    workdir: cwd,
    backend: interactive === true ? "tmux" : "local",
    log_path: `${files.base(handle)}.log`,
    started_at: new Date(clock.now()).toISOString(),
    timeout_seconds: timeoutMs / 1000,
    status: { state: "running" },
    announce_end: announceEnd,
    started_recorded: false,
    reported: false,
  };
}

/** What is given to the sandbox. `env` is the server's: of it a process gets what every tool gets. */
export function programOf(
  process: StartProcess,
  context: ToolContext,
  { handle, env }: { handle: string; env: NodeJS.ProcessEnv },
): Confined {
  return {
    argv: argvOf(process),
    cwd: process.cwd,
    writable: process.writable,
    readable: process.readable,
    env: { ...minimalEnvironment(env), ...callVariables(context), [handleVariable]: handle },
    diesWithParent: false,
    ownTerminal: process.interactive === true,
  };
}

/** On a screen a shell with job control stands between: C-c is for what runs in its foreground, not for what holds it. */
function argvOf({ command, interactive }: StartProcess): readonly [string, ...string[]] {
  const argv = typeof command === "string" ? (["bash", "-c", command] as const) : command;
  return interactive === true ? ["bash", "-mc", '"$0" "$@"; exit $?', ...argv] : argv;
}
