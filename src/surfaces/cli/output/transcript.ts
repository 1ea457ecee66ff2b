import { terminalCommand, terminalLine, terminalText } from "../../../domain/terminal-text.ts";
import type { SessionEvent, ToolCall } from "../../../schema/session-event.ts";
import type { Paint } from "../paint.ts";
import { askedAbout } from "./asked-about.ts";

/** Where a transcript goes: what was said, and what is to be known about it. Both get text without a promise about lines. */
export type TranscriptSink = { said(text: string): void; noted(text: string): void };

export type PendingQuestion = {
  approvalId: string;
  callId: string;
  toolName: string;
  command: string;
  /** What *always allow* would keep; empty: nothing. */
  always?: readonly string[] | undefined;
};

const argumentsShownMax = 120;
const resultShownMax = 200;
const patternsShownMax = 300;
const outputLinesMax = 12;
const outputLineMax = 200;
/** Problems of tools; beyond them there is something else to be mended first. */
const problemsShownMax = 100;
/** A command beyond these may have scrolled away in part: then it says how much there is to read. */
const commandLinesMax = 20;
const commandLengthMax = 2_000;

/**
 * Writes a session as plain lines, from durable events and live tokens in the order in which a stream brings them.
 * The text of a response is written once, whether it came as tokens, at once, or both.
 */
export function createTranscript(
  sink: TranscriptSink,
  options: {
    paint: Paint;
    isOwn(event: SessionEvent): boolean;
    /** `false`: nobody is there to answer a question. */
    asks?: boolean;
  },
) {
  const { paint } = options;
  const calls = new Map<string, ToolCall>();
  const problemsShown = new Set<string>();
  let running: { messageId: string; text: string } | null = null;
  let midLine = false;
  let question: PendingQuestion | null = null;
  let turnOpen = false;
  let ended = false;

  const say = (text: string): void => {
    if (text === "") return;
    const shown = terminalText(text);
    sink.said(shown);
    midLine = !shown.endsWith("\n");
  };
  const endLine = (): void => {
    if (midLine) sink.said("\n");
    midLine = false;
  };
  const note = (text: string, style: Parameters<Paint>[0] = "dim"): void => {
    endLine();
    sink.noted(`${paint(style, terminalText(text))}\n`);
  };
  const nameOf = (callId: string): string => calls.get(callId)?.tool_name ?? "tool";

  const respond = (event: Extract<SessionEvent, { type: "assistant_response" }>): void => {
    const shown = running?.messageId === event.message_id ? running.text : "";
    running = null;
    if (event.content.startsWith(shown)) {
      say(event.content.slice(shown.length));
    } else {
      note("(the text above was not kept; the answer is:)");
      say(event.content);
    }
    endLine();
    for (const call of event.tool_calls ?? []) calls.set(call.call_id, call);
    if (event.stop_reason === "length") note("(cut off: the model reached its output limit)", "yellow");
    if (event.stop_reason === "refused") note("(the model refused to answer)", "yellow");
  };

  const endTurn = (event: Extract<SessionEvent, { type: "turn_end" }>): void => {
    turnOpen = false;
    question = null;
    running = null;
    endLine();
    if (event.notice !== undefined) {
      say(event.notice);
      endLine();
    }
    if (event.outcome === "failed") note(`error: ${event.error?.message ?? "the turn failed"}`, "red");
    if (event.outcome === "cancelled") note("[cancelled]", "yellow");
    if (event.outcome === "limit_reached" && event.notice === undefined) note("[a limit was reached]", "yellow");
  };

  const ask = (
    event: Extract<SessionEvent, { type: "approval_required" }>,
    always: readonly string[] | undefined,
  ): void => {
    question = {
      approvalId: event.approval_id,
      callId: event.call_id,
      toolName: event.tool_name,
      command: event.command,
      always,
    };
    // What is shown may begin here.
    const { call_id, tool_name, command } = event;
    const about = askedAbout(command, calls.get(call_id));
    if (!calls.has(call_id)) calls.set(call_id, { call_id, tool_name, arguments: { command } });
    note(`${terminalLine(event.tool_name)} wants to run:`, "yellow");
    const shown = terminalCommand(about);
    const lines = shown.split("\n");
    note(`  ${lines.join("\n  ")}`, "bold");
    if (lines.length > commandLinesMax || shown.length > commandLengthMax)
      note(`(so much is to be allowed: ${lines.length} lines, ${shown.length} characters)`, "yellow");
    if (options.asks === false) return;
    const until = event.expires_at === undefined ? "" : ` · until ${clockTime(event.expires_at)}`;
    note(`[o]nce · ${alwaysChoice(always)} · [d]eny · a message instead is a no${until}`, "yellow");
  };

  const startCall = (event: Extract<SessionEvent, { type: "tool_start" }>): void => {
    const again = event.attempt > 1 ? " (again)" : "";
    const given = shownArguments(calls.get(event.call_id)?.arguments);
    note(`▸ ${terminalLine(event.tool_name)}${again} ${terminalLine(given, argumentsShownMax)}`);
  };

  const finishCall = (event: Extract<SessionEvent, { type: "tool_result" }>): void => {
    const { outcome, content, artifact } = event.result;
    const name = terminalLine(nameOf(event.call_id));
    const time = `${(event.duration_ms / 1000).toFixed(1)}s`;
    if (outcome !== "ok")
      return note(`✗ ${name} ${outcome} ${time}: ${terminalLine(content, resultShownMax)}`, "yellow");
    note(`✓ ${name} ${time}`);
    for (const line of shownOutput(content)) note(`  ${line}`);
    if (artifact !== undefined) note(`  (the whole is the artifact ${terminalLine(artifact)})`);
  };

  const show = (event: SessionEvent, always?: readonly string[]): void => {
    switch (event.type) {
      case "user_message":
        if (options.isOwn(event)) return;
        return note(
          `${event.sender_name === undefined ? "" : `${terminalLine(event.sender_name)} `}> ${event.content.replaceAll("\n", "\n  ")}`,
          "cyan",
        );
      case "turn_start":
        turnOpen = true;
        return;
      case "turn_resumed":
        return note(
          event.cause === "crash"
            ? "(the server came back; the turn goes on)"
            : "(another server goes on with the turn)",
        );
      case "assistant_response":
        return respond(event);
      case "tool_start":
        return startCall(event);
      case "tool_result":
        if (question?.callId === event.call_id) question = null;
        return finishCall(event);
      case "tools_skipped":
        return note(`(skipped ${event.call_ids.map(nameOf).join(", ")}: ${event.reason})`);
      case "approval_required":
        return ask(event, always);
      case "approval_decision":
        if (question?.approvalId === event.approval_id) question = null;
        return note(decided(event));
      case "messages_dropped":
        return note(`(${event.message_ids.length} waiting messages were dropped: ${event.reason})`, "yellow");
      case "status_change":
        if (event.to === "paused") note("(paused)");
        return;
      case "turn_end":
        return endTurn(event);
      case "context_compacted":
        return note("(the beginning of the conversation was summarised for the model)");
      case "gateway_delivery":
        if (event.status === "sent") return;
        return note(`(a message was not delivered: ${terminalLine(event.error ?? "", resultShownMax)})`, "yellow");
      case "error":
        return note(`error: ${event.message}`, "red");
      case "session_end":
        ended = true;
        turnOpen = false;
        return note(`[the session has ended: ${event.reason}]`, "yellow");
      default:
        // What remains (usage, what is sent, background processes …) tells a reader of the conversation nothing.
        return;
    }
  };

  return {
    show,
    note,
    endLine,
    /** A piece of the running response; `offset` (UTF-16 units) is where it starts in the whole text. */
    token({ messageId, content, offset }: { messageId: string; content: string; offset: number }): void {
      if (running?.messageId !== messageId) {
        endLine();
        running = { messageId, text: "" };
      }
      const fresh = content.slice(Math.max(0, running.text.length - offset));
      running.text += fresh;
      say(fresh);
    },
    /** The try that was being shown failed or is gone; the next one starts from nothing. */
    tokenReset(): void {
      if (running !== null && running.text !== "")
        note("(the connection to the model broke off; the answer starts again)");
      running = null;
    },
    /** What it waits for, as often as it does; what is wrong with its tools, once. */
    activity({ reason, problems }: { reason?: string | undefined; problems: readonly string[] }): void {
      if (reason !== undefined) note(`(${terminalLine(reason, resultShownMax)} …)`);
      for (const problem of problems) {
        if (problemsShown.has(problem) || problemsShown.size >= problemsShownMax) continue;
        problemsShown.add(problem);
        note(`warning: ${terminalLine(problem)}`);
      }
    },
    get question(): PendingQuestion | null {
      return question;
    },
    get turnOpen(): boolean {
      return turnOpen;
    },
    get ended(): boolean {
      return ended;
    },
    get midLine(): boolean {
      return midLine;
    },
  };
}

function alwaysChoice(always: readonly string[] | undefined): string {
  if (always === undefined) return "[a]lways";
  if (always.length === 0) return "(always can not be kept for this)";
  return `[a]lways: ${terminalLine(always.join(", "), patternsShownMax)}`;
}

function decided(event: Extract<SessionEvent, { type: "approval_decision" }>): string {
  const by = `by ${terminalLine(event.decided_by)}`;
  if (event.decision === "deny") return `[denied ${by}]`;
  if (event.decision === "allow_once" || event.pattern === undefined) return `[allowed ${by}]`;
  return `[allowed always ${by}: ${terminalLine(event.pattern.replaceAll("\n", ", "), patternsShownMax)}]`;
}

/** In the time of whoever reads it: `2026-11-21 10:00:00`. */
const clockTime = (timestamp: string): string => new Date(timestamp).toLocaleString("sv-SE");

/** A command as it is; other arguments as JSON. */
function shownArguments(given: ToolCall["arguments"] | undefined): string {
  const isObject = typeof given === "object" && given !== null && !Array.isArray(given);
  const command = isObject ? given["command"] : undefined;
  return typeof command === "string" ? command : JSON.stringify(given ?? {});
}

/** The beginning of what a tool said, line by line. */
function shownOutput(content: string): string[] {
  const text = content.trimEnd();
  if (text === "") return [];
  const lines = text.split(/\r?\n/u);
  const shown = lines
    .slice(0, outputLinesMax)
    .map((line) => (line.length > outputLineMax ? `${line.slice(0, outputLineMax)}…` : line));
  const left = lines.length - shown.length;
  return left > 0 ? [...shown, `… ${left} more ${left === 1 ? "line" : "lines"}`] : shown;
}

export type Transcript = ReturnType<typeof createTranscript>;
