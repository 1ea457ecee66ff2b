import { z } from "zod";

import type { BackgroundProcesses, ProcessRecord } from "../../ports/background-processes.ts";
import type { Tool, ToolContext, ToolEffect } from "../../ports/tool.ts";
import type { ToolResult } from "../../schema/session-event.ts";
import { strictObject } from "../../schema/strict-object.ts";
import { defineTool, errorResult, okResult } from "./define-tool.ts";
import { followProcess } from "./follow-process.ts";
import type { ToolParts } from "./parts.ts";
import { workingFolder } from "./working-folder.ts";

const timeoutSecondsMax = 7 * 24 * 60 * 60;
const inputLengthMax = 64 * 1024;
const keysMax = 100;
const logLinesMax = 1_000;
const logBytesMax = 256 * 1024;
/** What a call that waits gives of the output. */
const tailBytes = 8 * 1024;

const handle = z.string().min(1).max(64);

const schema = z.discriminatedUnion("action", [
  strictObject({
    action: z.literal("spawn"),
    command: z.string().min(1).describe("A command line for bash"),
    workdir: z.string().optional().describe("Where it runs; the workspace if not given, or a folder relative to it"),
    wait: z.boolean().default(false).describe("Wait for its end, and answer with its output"),
    interactive: z.boolean().default(false).describe("On a screen (tmux), for capture and send_keys"),
    label: z.string().max(200).optional(),
    timeout_seconds: z.int().min(1).max(timeoutSecondsMax).default(1800),
  }),
  strictObject({ action: z.literal("list") }),
  strictObject({ action: z.literal("status"), handle }),
  strictObject({
    action: z.literal("log"),
    handle,
    offset: z.int().min(0).default(0).describe("Lines to leave out from the beginning"),
    limit: z.int().min(1).max(logLinesMax).default(100).describe("Lines"),
  }),
  strictObject({ action: z.literal("capture"), handle }),
  strictObject({
    action: z.literal("send_keys"),
    handle,
    keys: z.string().min(1).describe("Names of keys as tmux has them, with blanks between: C-c, Up, Enter, a"),
    press_enter: z.boolean().default(true),
  }),
  strictObject({
    action: z.literal("write"),
    handle,
    input: z.string().min(1).max(inputLengthMax).describe("Text; \\n is the end of a line"),
  }),
  strictObject({ action: z.literal("kill"), handle }),
  strictObject({
    action: z.literal("watch"),
    handle,
    interval_seconds: z.int().min(1).max(3600).default(5).describe("How long it must be silent to be told"),
  }),
  strictObject({ action: z.literal("unwatch"), handle }),
]);
type Given = z.infer<typeof schema>;
type Spawn = Extract<Given, { action: "spawn" }>;
type OfHandle = Exclude<Given, { action: "spawn" | "list" }>;

/** Keys and text that may have arrived are not sent again unasked. */
const effects: Readonly<Record<Given["action"], ToolEffect>> = {
  spawn: "resumable",
  list: "pure",
  status: "pure",
  log: "pure",
  capture: "pure",
  send_keys: "unsafe",
  write: "unsafe",
  kill: "idempotent",
  watch: "idempotent",
  unwatch: "idempotent",
};

/**
 * `background_process`. A spawn is shown to policy as the command line that it is, type `bash`: what is denied there can
 * not be had by this way. `write` and `send_keys` to a shell can run anything as well, but are no command lines: they stay
 * `builtin` `background_process:write`, which is asked about by default.
 */
export function backgroundProcessTool(parts: ToolParts): Tool {
  const { processes } = parts;
  return defineTool<Given>({
    name: "background_process",
    description:
      "Runs commands that outlast this turn: servers, builds, interactive programs. spawn starts one and answers with its " +
      "handle; its end comes as a message. All that it has started ends with it. list, status, log (its output), capture " +
      "(its screen), send_keys, write (its stdin), kill; watch tells when it falls silent, unwatch ends that.",
    arguments: schema,
    effect: "resumable",
    effectOf: ({ action }) => effects[action],
    describe: (given) =>
      given.action === "spawn"
        ? { type: "bash", text: given.command, builtin: "background_process:spawn" }
        : { type: "builtin", text: `background_process:${given.action}` },
    run: (given, context) => act(given, parts, context),
    resume: async (given, context) => {
      if (given.action !== "spawn" || !processes.findByKey(context.sessionId, context.idempotencyKey)) return null;
      return spawn(given, parts, context);
    },
  });
}

async function act(given: Given, parts: ToolParts, context: ToolContext): Promise<ToolResult> {
  const { processes } = parts;
  if (given.action === "spawn") return spawn(given, parts, context);
  if (given.action === "list") return okResult(listText(processes.list(context.sessionId)));
  const process = processes.get(context.sessionId, given.handle);
  if (!process) return errorResult(`There is no process ${given.handle} in this session. list shows them.`);
  return actOn(given, process, processes);
}

async function spawn(given: Spawn, parts: ToolParts, context: ToolContext): Promise<ToolResult> {
  const { agent, processes } = parts;
  const known = processes.findByKey(context.sessionId, context.idempotencyKey);
  const process = await processes.start(
    {
      command: given.command,
      cwd: known?.workdir ?? (await workingFolder(given.workdir, agent)),
      writable: [agent.workspace],
      readable: agent.readable,
      ...(given.label === undefined ? {} : { label: given.label }),
      interactive: given.interactive,
      timeoutMs: given.timeout_seconds * 1000,
      announceEnd: !given.wait,
    },
    context,
  );
  if (given.wait) return waitFor(process, parts, context);
  const { handle, pid, tmux_session, status } = process;
  return okResult(json({ handle, tmux_session, status: status.state, pid }), { details: { handle } });
}

async function waitFor(process: ProcessRecord, { processes, clock }: ToolParts, context: ToolContext) {
  const decoder = new TextDecoder();
  const ended = await followProcess(process.handle, { processes, clock }, context, (bytes) =>
    context.onOutput(decoder.decode(bytes, { stream: true })),
  );
  if (ended === null) return { success: false, outcome: "cancelled", content: "Cancelled; it was killed." } as const;
  const { text, isCut } = await processes.tail(process.handle, tailBytes);
  const seconds = (Date.parse(ended.ended_at ?? ended.started_at) - Date.parse(ended.started_at)) / 1000;
  const content = json({
    status: ended.status.state,
    ...("exit_code" in ended.status ? { exit_code: ended.status.exit_code } : {}),
    output: isCut ? `...\n${text}` : text,
    duration_seconds: Math.round(seconds),
  });
  const details = { handle: ended.handle };
  if (ended.status.state === "completed") return okResult(content, { details });
  const outcome = ended.status.state === "timed_out" ? "timeout" : "error";
  return { success: false, outcome, content, details } as const;
}

async function actOn(given: OfHandle, process: ProcessRecord, processes: BackgroundProcesses): Promise<ToolResult> {
  const { handle } = process;
  switch (given.action) {
    case "status":
      return okResult(json(shown(process)));
    case "log":
      return okResult(await logText(processes, handle, given));
    case "capture":
      return okResult(await processes.capture(handle));
    case "send_keys": {
      const keys = given.keys.split(/\s+/).filter((key) => key !== "");
      if (keys.length > keysMax)
        return errorResult(`These are ${keys.length} keys, at most ${keysMax} are taken at once.`);
      await processes.sendKeys(handle, given.press_enter ? [...keys, "Enter"] : keys);
      return okResult("Sent.");
    }
    case "write":
      await processes.write(handle, given.input.replaceAll("\\n", "\n"));
      return okResult("Written.");
    case "kill":
      if (process.status.state !== "running") return okResult("It has ended already.");
      await processes.kill(handle);
      return okResult("Killed.");
    case "watch":
      await processes.watch(handle, given.interval_seconds);
      return okResult(`Watched: you are told when it has been silent for ${given.interval_seconds} s.`);
    case "unwatch":
      await processes.unwatch(handle);
      return okResult("No longer watched.");
  }
}

/** What concerns the model: the server's paths and keys do not. */
const shown = ({ handle: name, command, label, workdir, pid, tmux_session, status, ...more }: ProcessRecord) => ({
  handle: name,
  command,
  label,
  workdir,
  pid,
  tmux_session,
  status,
  session_id: more.session_id,
  agent: more.agent,
  started_at: more.started_at,
  ended_at: more.ended_at,
  timeout_seconds: more.timeout_seconds,
});

function listText(processes: readonly ProcessRecord[]): string {
  if (processes.length === 0) return "There are no background processes in this session.";
  return processes
    .map(({ handle: name, command, status, label, tmux_session }) =>
      [
        name,
        JSON.stringify(command),
        "exit_code" in status ? `${status.state} (exit ${status.exit_code})` : status.state,
        label ?? "-",
        ...(tmux_session === undefined ? [] : ["interactive"]),
      ].join("  "),
    )
    .join("\n");
}

/** Lines from `offset`, `limit` of them; of a long log only what lies within 256 KiB from there is read. */
async function logText(
  processes: BackgroundProcesses,
  name: string,
  { offset, limit }: { offset: number; limit: number },
): Promise<string> {
  let skip = offset;
  for (let at = 0; ;) {
    const { bytes } = await processes.output(name, { offset: at, limitBytes: logBytesMax });
    if (bytes.length === 0) return offset === 0 ? "(no output yet)" : `(it has no more than ${offset - skip} lines)`;
    let start = 0;
    while (skip > 0) {
      const end = bytes.indexOf(0x0a, start);
      if (end < 0) break;
      start = end + 1;
      skip -= 1;
    }
    at += skip > 0 || start === bytes.length ? bytes.length : start;
    if (skip > 0) continue;
    const page = await processes.output(name, { offset: at, limitBytes: logBytesMax });
    const text = new TextDecoder().decode(page.bytes);
    return text === "" ? "(no more lines)" : text.split("\n").slice(0, limit).join("\n");
  }
}

const json = (value: object): string => JSON.stringify(value, null, 2);
