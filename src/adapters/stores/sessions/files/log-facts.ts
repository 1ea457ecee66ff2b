import { eventKinds, type SessionEvent } from "../../../../schema/session-event.ts";

/** What the store itself has to know of a log to place the next event. */
export type LogFacts = {
  /** `seq` of the last event. */
  head: number;
  /** The highest epoch under which something was written; 0: nothing yet. */
  epoch: number;
  /** `seq` of the last outcome of a run, which what the store itself records is not; 0: none yet. */
  outcomeSeq: number;
  ended: boolean;
};

export const noFacts: LogFacts = { head: 0, epoch: 0, outcomeSeq: 0, ended: false };

export function foldFacts(facts: LogFacts, event: SessionEvent): LogFacts {
  return {
    head: event.seq,
    epoch: Math.max(facts.epoch, event.epoch ?? 0),
    outcomeSeq: isOfRun(event) ? event.seq : facts.outcomeSeq,
    ended: facts.ended || event.type === "session_end",
  };
}

const isOfRun = (event: SessionEvent): boolean =>
  eventKinds[event.type] === "outcome" && event.type !== "error" && !event.legacy;
