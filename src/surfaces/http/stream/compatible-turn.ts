import { asciiJson, encodeFrame } from "../../../domain/stream/sse-frame.ts";
import { awaiting, evolveAnswer, type AnswerState } from "../../../domain/session/answer.ts";
import type { StreamFrame } from "../../../runtime/runtime.ts";
import type { MessageId } from "../../../schema/ids.ts";
import type { SessionEvent } from "../../../schema/session-event.ts";

type Live = Extract<StreamFrame, { kind: "live" }>;

/** One event of the compatible stream. Only ASCII: its clients decode each network packet by itself. */
export function compatibleBlock(event: string, data: Record<string, unknown>): Uint8Array {
  return encodeFrame({ event, data: asciiJson(data) });
}

/**
 * The turn that takes one message in, as the compatible stream tells it: its text, then how it ended. Text that was
 * shown can not be taken back there: what a new try or a later response says follows after an empty line.
 */
export class CompatibleTurn {
  private state: AnswerState;
  private readonly messageId: MessageId;
  private paused: boolean;
  private outcomesSeen = 0;
  private shownAnything = false;
  /** The response whose text is being shown, and how much of it. */
  private shown: { messageId: string; length: number } | null = null;
  private ignored: string | null = null;

  constructor(messageId: MessageId, options: { paused: boolean }) {
    this.messageId = messageId;
    this.state = awaiting({ messageId });
    this.paused = options.paused;
  }

  /** Folds one frame; answers with what there is to show of it. */
  pass(frame: StreamFrame): Uint8Array[] {
    return frame.kind === "durable" ? this.passEvent(frame.event) : this.passLive(frame);
  }

  /** The last event, once nothing more will come of this turn by itself; to be asked when all there is was passed. */
  last(): Uint8Array | null {
    const { end, question, dropped, sessionEnded } = this.state;
    if (end) return this.ended(end);
    if (dropped !== null) return compatibleBlock("error", { message: `dropped: ${dropped}` });
    if (sessionEnded) return compatibleBlock("error", { message: "ended" });
    if (question && this.state.turnId !== null) {
      return compatibleBlock("approval_required", { call_id: question.callId, command: question.command });
    }
    return this.paused ? compatibleBlock("error", { message: "paused" }) : null;
  }

  private ended({ turnEnd, messageId, usage }: NonNullable<AnswerState["end"]>): Uint8Array {
    switch (turnEnd.outcome) {
      case "failed":
        return compatibleBlock("error", { message: turnEnd.error?.message ?? "the turn failed" });
      case "cancelled":
        return compatibleBlock("cancelled", {});
      case "completed":
      case "limit_reached": {
        const reason = turnEnd.outcome === "limit_reached" ? "limit_reached" : this.state.finishReason;
        return compatibleBlock("done", {
          message_id: messageId === "" ? this.messageId : messageId,
          usage,
          ...(reason === undefined ? {} : { finish_reason: reason }),
        });
      }
    }
  }

  private passEvent(event: SessionEvent): Uint8Array[] {
    const before = this.state;
    this.state = evolveAnswer(before, event);
    if (event.type === "status_change") this.paused = event.to === "paused";
    if (before.end) return [];
    if (
      before.messageSeq !== null &&
      (event.type === "assistant_response" || event.type === "tool_result" || event.type === "tools_skipped")
    ) {
      this.outcomesSeen += 1;
    }
    const ours = this.state.turnId !== null && event.turn_id === this.state.turnId;
    if (!ours) return [];
    if (event.type === "assistant_response") {
      const known = this.shown?.messageId === event.message_id ? this.shown.length : 0;
      return this.show(event.message_id, known, event.content.slice(known));
    }
    if (event.type === "turn_end" && event.notice !== undefined) return this.show("notice", 0, event.notice);
    return [];
  }

  private passLive({ name, data }: Live): Uint8Array[] {
    if (name !== "token") return [];
    const { turn_id: turnId, message_id: messageId, content, offset } = data;
    if (typeof messageId !== "string" || typeof content !== "string" || typeof offset !== "number") return [];
    if (messageId === this.ignored) return [];
    if (this.state.turnId === null && this.shown?.messageId !== messageId && !this.beganAfterMessage()) {
      // The response that streamed when the message came does not answer it.
      this.ignored = messageId;
      return [];
    }
    if (this.state.turnId !== null && turnId !== this.state.turnId) return [];
    return this.show(messageId, offset, content);
  }

  private beganAfterMessage(): boolean {
    return this.state.delivery === "steer" && this.outcomesSeen > 0;
  }

  private show(messageId: string, offset: number, text: string): Uint8Array[] {
    if (text === "") return [];
    const continues = this.shown?.messageId === messageId;
    const separator = this.shownAnything && !continues ? "\n\n" : "";
    this.shown = { messageId, length: offset + text.length };
    this.shownAnything = true;
    return [compatibleBlock("token", { content: separator + text })];
  }
}
