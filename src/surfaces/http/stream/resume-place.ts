import { parseCursor } from "../../../domain/stream/cursor.ts";
import type { Cursor } from "../../../runtime/runtime.ts";
import { DuragentError } from "../../../schema/problem.ts";

type From = Cursor | "now";

/** Where a stream begins. A header can not be helped by its sender, who is a browser: one that is wrong is ignored. */
export type Place = {
  /** From the query parameter, or the start of the log. */
  from: From;
  /** The client says what it has had already. */
  resumes: boolean;
  /** Chooses between header and parameter, now that the end of the log is known. */
  settle(lastSeq: number, inFuture: () => DuragentError): { from: From; ignored: boolean };
};

/** Reads `Last-Event-ID` and `?after`; throws `bad-request` for a parameter that is no cursor. */
export function placeOf(header: string | string[] | undefined, after: string | undefined): Place {
  const given = typeof header === "string" ? header : undefined;
  const resumed = given === undefined ? null : parseCursor(given);
  const from = after === undefined ? { seq: 0 } : parameter(after);
  return {
    from,
    resumes: given !== undefined || after !== undefined,
    settle(lastSeq, inFuture) {
      if (resumed && resumed.seq <= lastSeq) return { from: resumed, ignored: false };
      if (from !== "now" && from.seq > lastSeq) throw inFuture();
      return { from, ignored: given !== undefined };
    },
  };
}

function parameter(after: string): From {
  const from = after === "now" ? "now" : parseCursor(after);
  if (from !== null) return from;
  throw new DuragentError("bad-request", "after is no cursor: write SEQ, SEQ.OFFSET.CALL or now.", {
    errors: [{ path: "after", message: "must be SEQ, SEQ.OFFSET.CALL or now" }],
  });
}
