import type { SessionEvent } from "../../../src/schema/session-event.ts";

/** One message as its client knows it. `content` is like no other's. */
export type Submission = {
  sessionId: string;
  key: string;
  content: string;
  delivery: "steer" | "queue";
  /** What the client was told, in the order in which it was told. */
  told: Told[];
};

export type Told =
  /** 202: durable. */
  | { kind: "accepted"; messageId: string; seq: number }
  /** 200: its turn has ended with this response; who answers a question is not told the turn. */
  | { kind: "answered"; responseId: string; content: string; turnId?: string }
  /** `done`, after this text was streamed. */
  | { kind: "streamed"; responseId: string; text: string };

export type FaultKind = "lost" | "duplicated" | "phantom" | "unanswered" | "disorder" | "unexpected";

/** What clients submitted and what they were told, kept outside of the server that is killed. */
export class Ledger {
  /** Sessions by the idempotency key that made them. */
  readonly created = new Map<string, string>();
  readonly submissions = new Map<string, Submission>();
  readonly seen = new Map<string, SessionEvent[]>();
  /** Messages whose tool call somebody has allowed, or tried to. */
  readonly allowed = new Set<string>();
  /** Messages whose turn was ended because the server kept dying over it. */
  givenUp = 0;
  readonly faults: { kind: FaultKind; detail: string }[] = [];

  fault(kind: FaultKind, detail: string): void {
    this.faults.push({ kind, detail });
  }

  submit(submission: Submission): void {
    this.submissions.set(submission.content, submission);
  }

  /** A client that resumes by itself got this from the stream of durable events. */
  saw(sessionId: string, event: SessionEvent): void {
    const seen = this.seen.get(sessionId) ?? [];
    this.seen.set(sessionId, seen);
    const last = seen.at(-1)?.seq ?? 0;
    if (event.seq <= last) this.fault("duplicated", `${sessionId}: the stream gave ${event.seq} after ${last}`);
    else if (event.seq > last + 1) this.fault("lost", `${sessionId}: the stream gave ${event.seq} after ${last}`);
    seen.push(event);
  }

  get acknowledgements(): number {
    let count = this.created.size;
    for (const { told } of this.submissions.values()) count += told.length;
    for (const seen of this.seen.values()) count += seen.length;
    return count;
  }
}
