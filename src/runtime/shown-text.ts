import type { TurnState } from "../domain/session/state.ts";
import type { MessageId } from "../schema/ids.ts";
import type { LivingSession } from "./living-session.ts";
import type { RuntimeParts } from "./parts.ts";

/** What watchers see of the call: text of the newest try only, with secrets taken out. */
export class ShownText {
  messageId: MessageId;
  private redactor: ReturnType<RuntimeParts["redactText"]>;
  private thoughts: ReturnType<RuntimeParts["redactText"]>;
  private readonly session: LivingSession;
  private readonly parts: RuntimeParts;
  private readonly turn: TurnState;
  private readonly throughSeq: number;
  private thinkingOffset = 0;
  private begun = false;

  constructor(session: LivingSession, parts: RuntimeParts, turn: TurnState, throughSeq: number) {
    this.session = session;
    this.parts = parts;
    this.turn = turn;
    this.throughSeq = throughSeq;
    this.messageId = `msg_${parts.clock.ulid()}` as MessageId;
    this.redactor = parts.redactText();
    this.thoughts = parts.redactText();
  }

  begin(): void {
    if (this.begun) this.messageId = `msg_${this.parts.clock.ulid()}` as MessageId;
    this.begun = true;
    this.redactor = this.parts.redactText();
    this.thoughts = this.parts.redactText();
    this.thinkingOffset = 0;
    this.session.backingOff = false;
    this.session.feed.beginText(this.turn.id, this.messageId, this.throughSeq);
    this.session.tellActivity();
  }

  text(text: string): void {
    this.showThought(this.thoughts.end());
    this.session.feed.addText(this.redactor.push(text));
  }

  /** What was held back as a secret's possible beginning. */
  finish(): void {
    this.showThought(this.thoughts.end());
    this.session.feed.addText(this.redactor.end());
  }

  thinking(text: string): void {
    this.showThought(this.thoughts.push(text));
  }

  private showThought(content: string): void {
    if (content === "") return;
    this.session.feed.add("thinking", this.throughSeq, {
      turn_id: this.turn.id,
      message_id: this.messageId,
      content,
      offset: this.thinkingOffset,
    });
    this.thinkingOffset += content.length;
  }
}
