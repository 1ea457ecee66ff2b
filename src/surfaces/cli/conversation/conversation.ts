import { randomUUID } from "node:crypto";

import type { ApprovalChoice, SessionEvent } from "../../../schema/session-event.ts";
import { exitCodes, type ExitCode } from "../exit.ts";
import { createTranscript, type PendingQuestion, type TranscriptSink } from "../output/transcript.ts";
import type { Paint } from "../paint.ts";
import type { SessionLink } from "./session-link.ts";
import { performSlashCommand, readLine, type SlashActions } from "./slash-commands.ts";

export type ConversationOptions = {
  link: SessionLink;
  sink: TranscriptSink;
  paint: Paint;
  /** Show what came after this event before what comes now. */
  after: number;
  attach: boolean;
  /** Marks where the past ends. */
  announceLive: boolean;
  slash: Omit<SlashActions, "print" | "leave" | "cancel" | "end" | "approve" | "deny">;
};

const decisions: Readonly<Record<string, ApprovalChoice>> = {
  o: "allow_once",
  y: "allow_once",
  yes: "allow_once",
  once: "allow_once",
  a: "allow_always",
  always: "allow_always",
  d: "deny",
  n: "deny",
  no: "deny",
  deny: "deny",
};

/** Words that mean an answer, but do not say for how long. Sent as a message they would be a no. */
const unclear = new Set(["ok", "okay", "allow", "sure", "yep"]);

/** Two ctrl-c within this time are one wish: to leave. */
const twiceMsMax = 2_000;

/**
 * A person (or a pipe) in a session: lines go in, the transcript comes out, until one of them ends it.
 * It knows nothing of terminals: whoever reads the lines and draws the text calls it.
 */
export function startConversation(options: ConversationOptions) {
  const { link, paint } = options;
  const leaving = new AbortController();
  const left = Promise.withResolvers<ExitCode>();
  const caughtUp = Promise.withResolvers<void>();
  /** Resolved while there is no connection. */
  let cutOff = Promise.withResolvers<void>();
  const ownKeys = new Set<string>();
  // Lines that wait for the word to come back; a message counts once the stream has shown that it is in the log.
  const waiting = new Set<{ key: string | null; ripe: boolean; resolve(): void }>();
  let lastTurnFailed = false;
  // A question of the running turn that somebody else has answered: an answer to it that comes now is no message.
  let answeredElsewhere = false;
  let deciding: string | null = null;
  let interruptedAt = Number.NEGATIVE_INFINITY;

  const transcript = createTranscript(options.sink, {
    paint,
    isOwn: (event) =>
      event.type === "user_message" && event.idempotency_key !== undefined && ownKeys.has(event.idempotency_key),
  });

  const leave = (code: ExitCode): void => {
    transcript.endLine();
    caughtUp.resolve();
    left.resolve(code);
    leaving.abort();
    settle(() => true);
  };
  const settle = (which: (line: { key: string | null; ripe: boolean }) => boolean): void => {
    for (const line of waiting) {
      if (!which(line)) continue;
      waiting.delete(line);
      line.resolve();
    }
  };
  const wordComesBack = (key: string | null): Promise<void> =>
    new Promise((resolve) => waiting.add({ key, ripe: key === null, resolve }));
  const fail = (error: unknown): void => {
    if (!leaving.signal.aborted)
      transcript.note(`error: ${error instanceof Error ? error.message : String(error)}`, "red");
  };

  const show = (event: SessionEvent, always?: readonly string[]): void => {
    const asked = transcript.question;
    transcript.show(event, always);
    if (asked !== null && transcript.question === null && deciding !== asked.approvalId) answeredElsewhere = true;
    if (event.type === "approval_required" || event.type === "turn_end") answeredElsewhere = false;
    if (event.type === "user_message")
      for (const line of waiting) if (line.key === event.idempotency_key) line.ripe = true;
    if (event.type === "turn_end") lastTurnFailed = event.outcome === "failed" || event.outcome === "limit_reached";
    // The turn that ends next is the one that took the message in; a question or a pause hands the word back as well.
    const wordIsOurs =
      event.type === "turn_end" ||
      event.type === "approval_required" ||
      (event.type === "status_change" && event.to === "paused");
    if (wordIsOurs) settle(({ ripe }) => ripe);
    if (transcript.ended) leave(exitCodes.done);
  };

  const follow = async (): Promise<void> => {
    let announced = !options.announceLive;
    const announce = (): void => {
      if (!announced) transcript.note("— live —");
      announced = true;
    };
    try {
      for await (const item of link.items({ after: options.after, attach: options.attach, signal: leaving.signal })) {
        if (item.kind === "event") show(item.event, item.always);
        else if (item.kind === "token") {
          // The running response is the present, also before all that came earlier is known to have been sent.
          announce();
          transcript.token(item);
        } else if (item.kind === "token_reset") transcript.tokenReset();
        else if (item.kind === "activity") transcript.activity(item);
        else if (item.kind === "lost") {
          cutOff.resolve();
          transcript.note(
            `(connection lost: ${item.reason}; trying again${item.mayStart ? "" : ". What you type is kept until its server runs again"})`,
            "yellow",
          );
        } else if (item.kind === "stopped") {
          cutOff.resolve();
          transcript.note(
            `(the server was stopped; waiting for it. ${item.mayStart ? "A message starts one; " : ""}ctrl-d leaves)`,
            "yellow",
          );
        } else if (item.kind === "back") {
          cutOff = Promise.withResolvers();
          transcript.note("(connected again; nothing was missed)", "yellow");
        } else {
          announce();
          caughtUp.resolve();
        }
      }
      leave(exitCodes.done);
    } catch (error) {
      fail(error);
      leave(leaving.signal.aborted ? exitCodes.done : exitCodes.unavailable);
    }
  };
  const followed = follow();

  const say = async (text: string, visible: boolean): Promise<void> => {
    const key = randomUUID();
    if (visible) ownKeys.add(key);
    const settled = wordComesBack(key);
    try {
      await link.send(text, key, leaving.signal);
    } catch (error) {
      lastTurnFailed = true;
      fail(error);
      settle((line) => line.key === key);
    }
    await settled;
  };

  const decide = async (question: PendingQuestion, decision: ApprovalChoice, reason?: string): Promise<void> => {
    const settled = wordComesBack(null);
    deciding = question.approvalId;
    try {
      const { notKept } = await link.decide(question, decision, reason);
      if (notKept !== undefined) transcript.note(`(allowed this once only: ${notKept})`, "yellow");
    } catch (error) {
      fail(error);
      settle((line) => line.key === null);
    }
    await settled;
  };

  const answerPending = async (decision: ApprovalChoice, reason?: string): Promise<void> => {
    if (transcript.question === null) return transcript.note("(no question is waiting)");
    return decide(transcript.question, decision, reason);
  };

  const slash: SlashActions = {
    ...options.slash,
    approve: (always) => answerPending(always ? "allow_always" : "allow_once"),
    deny: (reason) => answerPending("deny", reason),
    print: (text) => transcript.note(text),
    leave: () => leave(exitCodes.done),
    cancel: () => link.cancel(),
    // Until the stream has shown it, for as long as there is one: a pipe's last line is followed by leaving.
    end: async () => {
      await link.end();
      await Promise.race([left.promise, cutOff.promise]);
    },
  };

  return {
    /** Resolves with the exit code once the conversation is over and the stream is let go of. */
    over: left.promise.then(async (code) => {
      await followed;
      return code;
    }),
    /** Resolves once the past has been shown, with the question that waits, if one does. */
    caughtUp: caughtUp.promise,
    /** One line of input. Resolves when the word is the person's again. */
    async line(text: string, visible: boolean): Promise<void> {
      interruptedAt = Number.NEGATIVE_INFINITY;
      const { question } = transcript;
      const word = text.trim().toLowerCase();
      const decision = Object.hasOwn(decisions, word) ? decisions[word] : undefined;
      try {
        if (question !== null && decision !== undefined) return await decide(question, decision);
        if (question !== null && unclear.has(word))
          return transcript.note(
            `("${word}" does not say for how long: o allows it once, a always, d denies it)`,
            "yellow",
          );
        if (answeredElsewhere && decision !== undefined) {
          answeredElsewhere = false;
          return transcript.note("(that was answered already)");
        }
        const line = readLine(text);
        if (line.kind === "command") return await performSlashCommand(line.name, line.argument, slash);
        return await say(line.text, visible);
      } catch (error) {
        fail(error);
      }
    },
    /** ctrl-c: stops the turn; without one, or a second time, it leaves. */
    interrupt(): void {
      const now = performance.now();
      if (now - interruptedAt < twiceMsMax) return leave(exitCodes.interrupted);
      interruptedAt = now;
      if (transcript.turnOpen || waiting.size > 0) {
        transcript.note("(cancelling; ctrl-c again leaves)");
        // A turn that ended by itself meanwhile is as good as cancelled.
        link.cancel().catch((error: unknown) => (transcript.turnOpen ? fail(error) : undefined));
      } else {
        transcript.note("(ctrl-c again leaves, as does ctrl-d)");
      }
    },
    leave,
    get lastTurnFailed(): boolean {
      return lastTurnFailed;
    },
    get question() {
      return transcript.question;
    },
  };
}
export type Conversation = ReturnType<typeof startConversation>;
