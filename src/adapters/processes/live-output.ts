import type { Clock } from "../../ports/clock.ts";
import { isUnreadable } from "../whole-characters.ts";

/** At once, and from then on per second: more is nothing that anybody reads while it comes. */
const burstBytes = 256 * 1024;
const bytesPerSecond = 16 * 1024;

/** Shows what a command writes while it runs, in whole characters; a flood only in parts, with what was left out counted. */
export function liveOutput(clock: Pick<Clock, "monotonic">, show: (text: string) => void): (bytes: Buffer) => void {
  let allowed = burstBytes;
  let lastMs = clock.monotonic();
  let leftOut = 0;
  return (bytes) => {
    const nowMs = clock.monotonic();
    allowed = Math.min(burstBytes, allowed + ((nowMs - lastMs) / 1000) * bytesPerSecond);
    lastMs = nowMs;
    // Not even made a text: of a flood that would be as much memory again.
    if (bytes.length > allowed) {
      leftOut += bytes.length;
      return;
    }
    allowed -= bytes.length;
    const decoded = bytes.toString();
    const text = isUnreadable(decoded) ? `[binary output, ${bytes.length} bytes]\n` : decoded;
    show(leftOut === 0 ? text : `\n[… ${leftOut} bytes not shown while it runs …]\n${text}`);
    leftOut = 0;
  };
}
