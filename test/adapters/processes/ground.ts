import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

import { createSystemClock } from "../../../src/adapters/clock/system.ts";
import { nodeFileSystem } from "../../../src/adapters/file-system/node.ts";
import { openBackgroundProcesses } from "../../../src/adapters/processes/background/open.ts";
import type { AgentSessions, EndedProcess } from "../../../src/ports/agent-sessions.ts";
import type { BackgroundProcesses, StartProcess } from "../../../src/ports/background-processes.ts";
import type { FileSystem } from "../../../src/ports/file-system.ts";
import type { Sandbox } from "../../../src/ports/sandbox.ts";
import type { ToolContext } from "../../../src/ports/tool.ts";
import type { SessionId } from "../../../src/schema/ids.ts";
import { recordingLog } from "../../support/runtime-harness.ts";

export const sessionId = `session_${"0".repeat(26)}` as SessionId;
export const otherSession = `session_${"1".repeat(26)}` as SessionId;

/** Programs as they are: what the processes do is looked at, not what holds them. */
export const noSandbox: Sandbox = {
  kind: "none",
  inForce: [],
  warnings: [],
  confine: ({ argv, cwd, env }) => ({ argv, cwd, env }),
};

export type Told = {
  ended: (EndedProcess & { session: SessionId })[];
  said: { handle: string; content: string; idempotencyKey: string }[];
};

/** Sessions that write down what they are told; `refuse` says how often the next ones throw first. */
export function listeningSessions(told: Told, refuse = { times: 0 }): AgentSessions {
  return {
    list: () => Promise.resolve([]),
    send: () => Promise.reject(new Error("not asked for")),
    processEnded(session, process) {
      if (refuse.times-- > 0) return Promise.reject(new Error("the disk is full"));
      told.ended.push({ session, ...process });
      return Promise.resolve();
    },
    processSays(_session, note) {
      told.said.push(note);
      return Promise.resolve();
    },
  };
}

export type Ground = {
  folder: string;
  workspace: string;
  processes: BackgroundProcesses;
  told: Told;
  log: { level: string; message: string }[];
  /** Closes, and opens the same folder again, as the next server does. */
  again(): Promise<Ground>;
};

export type GroundOptions = {
  folder?: string;
  logBytes?: number;
  refuse?: { times: number };
  env?: NodeJS.ProcessEnv;
  sandbox?: Sandbox;
  fileSystem?: FileSystem;
  redactText?: (text: string) => string;
};

/** Real processes in a folder of the test's own; whatever still runs when it has ended is killed. */
export async function openGround(test: Pick<TestContext, "after">, options: GroundOptions = {}): Promise<Ground> {
  const root = options.folder ?? (await mkdtemp(join(await realpath(tmpdir()), "duragent-test-")));
  const folder = join(root, "processes");
  const told: Told = { ended: [], said: [] };
  const log: Ground["log"] = [];
  const processes = await openBackgroundProcesses({
    folder,
    fileSystem: options.fileSystem ?? nodeFileSystem,
    sandbox: options.sandbox ?? noSandbox,
    sessions: listeningSessions(told, options.refuse),
    clock: createSystemClock(),
    log: recordingLog(log),
    env: options.env ?? process.env,
    pollMs: 100,
    ...(options.logBytes === undefined ? {} : { logBytes: options.logBytes }),
    ...(options.redactText ? { redactText: options.redactText } : {}),
  });
  let isClosed = false;
  test.after(async () => {
    if (isClosed) return;
    await processes.killOfSession(sessionId);
    await processes.close();
    await rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  });
  return {
    folder,
    workspace: root,
    processes,
    told,
    log,
    async again() {
      isClosed = true;
      await processes.close();
      return openGround(test, { ...options, folder: root });
    },
  };
}

let calls = 0;

/** Of a call that nobody has made before. */
export function context(more: Partial<ToolContext> = {}): ToolContext & { started: string[] } {
  calls += 1;
  const started: string[] = [];
  return {
    sessionId,
    agent: "tester",
    callId: `call_${calls}`,
    idempotencyKey: `key_${process.pid}_${calls}`,
    attempt: 1,
    signal: new AbortController().signal,
    onOutput: () => undefined,
    session: {
      processStarted: ({ handle }) => {
        started.push(handle);
        return Promise.resolve();
      },
      notify: () => Promise.reject(new Error("not asked for")),
    },
    started,
    ...more,
  };
}

export const command = (line: string, workspace: string, more: Partial<StartProcess> = {}): StartProcess => ({
  command: line,
  cwd: workspace,
  writable: [workspace],
  readable: [],
  timeoutMs: 60_000,
  announceEnd: true,
  ...more,
});

export const patient = (): AbortSignal => AbortSignal.timeout(15_000);

export async function outputOf(processes: BackgroundProcesses, handle: string): Promise<string> {
  const { bytes } = await processes.output(handle, { offset: 0, limitBytes: 1 << 20 });
  return Buffer.from(bytes).toString();
}
