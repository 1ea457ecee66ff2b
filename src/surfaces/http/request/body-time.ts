import type { IncomingMessage } from "node:http";

import type { Clock } from "../../../ports/clock.ts";
import { hasBody } from "./read-body.ts";

/** For the whole of a body; of one that a route takes as it comes, between two pieces. */
const bodyMsMax = 60_000;

/** How long a request's body is waited for. Node's own limit knows no body that may take an hour as long as it goes on. */
export type BodyTime = {
  /** It may go on for as long as something comes. */
  perPiece(): void;
};

/** Calls `onLate` once when a body does not come in time. */
export function limitBodyTime(incoming: IncomingMessage, clock: Clock, onLate: () => void): BodyTime {
  let isPerPiece = false;
  if (hasBody(incoming)) {
    let seenBytes = incoming.socket.bytesRead;
    let cancel = clock.after(bodyMsMax, look);
    function look(): void {
      if (incoming.complete || incoming.destroyed) return;
      const { bytesRead } = incoming.socket;
      if (!isPerPiece || bytesRead === seenBytes) return onLate();
      seenBytes = bytesRead;
      cancel = clock.after(bodyMsMax, look);
    }
    incoming.once("close", () => cancel());
  }
  return { perPiece: () => void (isPerPiece = true) };
}
