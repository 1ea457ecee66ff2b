import type { ModelMessage } from "../../ports/model.ts";
import type { EventOf, SessionEvent, ToolCall } from "../../schema/session-event.ts";
import { groupContext, heardTexts } from "./group-context.ts";

/** The messages of one turn. Only the newest can be `open`: its turn has not ended. */
export type SessionTurn = {
  readonly messages: readonly ModelMessage[];
  readonly startSeq: number;
  /** `seq` of its `turn_end`; of its last event for turns of another implementation. */
  readonly endSeq: number | null;
  readonly open: boolean;
  /** By call id: the artifact that holds a result whole. */
  readonly artifacts: Readonly<Record<string, string>>;
};

export type Conversation = {
  /** Stands for everything before the turns. */
  readonly summary: string | null;
  readonly turns: readonly SessionTurn[];
  /** `seq` of the last event that it was computed from. */
  readonly throughSeq: number;
};

type Result = { content: string; success: boolean };
type Draft = {
  messages: (ModelMessage | Pending)[];
  /** What was said in the group before it, told before all else. */
  context: readonly EventOf<"silent_message">[];
  startSeq: number;
  endSeq: number | null;
  artifacts: Record<string, string>;
};
/** The calls of a response, where their results go. */
type Pending = { role: "pending"; calls: readonly ToolCall[]; results: Map<string, Result> };

/** A call whose outcome nobody recorded: it may or may not have taken effect. */
export const unknownOutcome =
  "Interrupted: the outcome of this call is unknown. It may or may not have taken effect; check before repeating it.";

/**
 * What the model has heard and said, from a log's events (in order; from any turn boundary on). Every tool call has
 * exactly one result, right after its response; a message stands where it was taken in.
 */
export function conversation(events: readonly SessionEvent[]): Conversation {
  const fold = new Fold();
  for (const event of events) fold.add(event);
  return fold.finish();
}

class Fold {
  private summary: string | null = null;
  private compactedThrough = 0;
  private turns: Draft[] = [];
  private turn: Draft | null = null;
  private waiting: EventOf<"user_message">[] = [];
  private passive: EventOf<"silent_message">[] = [];
  private overheard: EventOf<"silent_message">[] = [];
  private pending: Pending | null = null;
  private seq = 0;

  add(event: SessionEvent): void {
    this.seq = event.seq;
    if (event.legacy) return this.addLegacy(event);
    // What another implementation left counts as answered: nothing of ours joins its last turn.
    if (this.turn?.endSeq) this.close();
    switch (event.type) {
      case "user_message":
        this.waiting.push(event);
        return;
      case "silent_message":
        if (event.context) this.overheard.push(event);
        else if (event.disposition === "passive") this.passive.push(event);
        return;
      case "messages_dropped":
        this.waiting = this.waiting.filter((message) => !event.message_ids.includes(message.message_id));
        return;
      case "turn_start":
        this.start(event.seq, event.context_from);
        this.takeIn((message) => event.message_ids.includes(message.message_id));
        return;
      case "assistant_response":
        this.takeIn((message) => message.delivery === "steer" && message.seq <= event.through_seq);
        // The rest of a turn whose beginning was let go: only what it took in counts.
        if (this.turn) this.respond(event);
        return;
      case "tool_result":
        if (this.turn && event.result.artifact) this.turn.artifacts[event.call_id] = event.result.artifact;
        this.result(event.call_id, event.result);
        return;
      case "tools_skipped":
        for (const callId of event.call_ids)
          this.result(callId, { content: `Skipped: ${event.reason}`, success: false });
        return;
      case "turn_end":
        if (this.turn) this.turn.endSeq = event.seq;
        this.close();
        return;
      case "context_compacted":
        this.summary = event.summary;
        this.compactedThrough = event.through_seq;
        return;
      default:
        return;
    }
  }

  finish(): Conversation {
    // What a running turn has not taken in yet joins its next request.
    if (this.turn?.endSeq === null) this.takeIn((message) => message.delivery === "steer");
    const drafts = this.turn ? [...this.turns, this.turn] : this.turns;
    const turns = drafts
      .filter((draft) => draft.endSeq === null || draft.endSeq > this.compactedThrough)
      .map((draft) => ({
        messages: [...contextOf(draft), ...draft.messages.map(settled)],
        startSeq: draft.startSeq,
        endSeq: draft.endSeq,
        open: draft.endSeq === null,
        artifacts: draft.artifacts,
      }));
    return { summary: this.summary, turns, throughSeq: this.seq };
  }

  private start(seq: number, contextFrom?: number): void {
    this.close();
    const context = contextFrom === undefined ? [] : this.overheard.filter((said) => said.seq >= contextFrom);
    this.overheard = [];
    this.turn = { messages: [], context, startSeq: seq, endSeq: null, artifacts: {} };
  }

  private close(): void {
    if (this.turn) {
      this.turn.endSeq ??= this.seq;
      this.turns.push(this.turn);
    }
    this.turn = null;
    this.pending = null;
  }

  private takeIn(isTaken: (message: EventOf<"user_message">) => boolean): void {
    for (const content of heardTexts(this.passive)) this.turn?.messages.push({ role: "user", content });
    this.passive = [];
    for (const message of this.waiting)
      if (isTaken(message)) this.turn?.messages.push({ role: "user", content: message.content });
    this.waiting = this.waiting.filter((message) => !isTaken(message));
  }

  private respond(event: EventOf<"assistant_response">): void {
    const calls = unique(event.tool_calls ?? []);
    this.pending = null;
    // Providers refuse an assistant message with nothing (or only blanks) in it.
    if (event.content.trim() === "" && calls.length === 0) return;
    this.turn?.messages.push({
      role: "assistant",
      content: event.content,
      toolCalls: calls,
      ...(event.provider_state === undefined ? {} : { providerState: event.provider_state }),
      madeBy: `${event.provider}/${event.model}`,
    });
    if (calls.length === 0) return;
    this.pending = { role: "pending", calls, results: new Map() };
    this.turn?.messages.push(this.pending);
  }

  private result(callId: string, result: Result): void {
    // The first result of a call counts.
    if (this.pending && !this.pending.results.has(callId))
      this.pending.results.set(callId, { content: result.content, success: result.success });
  }

  /** Another implementation's log has no turns: each user message begins one. */
  private addLegacy(event: SessionEvent): void {
    switch (event.type) {
      case "user_message":
        this.start(event.seq);
        this.takeIn(() => false);
        this.turn?.messages.push({ role: "user", content: event.content });
        break;
      case "silent_message":
        if (event.disposition === "passive") this.passive.push(event);
        return;
      case "assistant_response":
        if (!this.turn) this.start(event.seq);
        this.respond(event);
        break;
      case "tool_result":
        this.result(event.call_id, event.result);
        break;
      case "tools_skipped":
        for (const callId of event.call_ids)
          this.result(callId, { content: `Skipped: ${event.reason}`, success: false });
        break;
      default:
        return;
    }
    if (this.turn) this.turn.endSeq = event.seq;
  }
}

/** Once a turn has ended, only what is meant to stay in the conversation does. */
function contextOf({ context, endSeq }: Draft): ModelMessage[] {
  const content = groupContext(endSeq === null ? context : context.filter((said) => said.disposition === "passive"));
  return content === null ? [] : [{ role: "user", content }];
}

function settled(message: ModelMessage | Pending): ModelMessage {
  if (message.role !== "pending") return message;
  return {
    role: "tool",
    results: message.calls.map((call) => ({
      callId: call.call_id,
      toolName: call.tool_name,
      ...(message.results.get(call.call_id) ?? { content: unknownOutcome, success: false }),
    })),
  };
}

const unique = (calls: readonly ToolCall[]): ToolCall[] =>
  calls.filter((call, index) => calls.findIndex((other) => other.call_id === call.call_id) === index);
