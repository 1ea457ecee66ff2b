import type { Clock } from "../../ports/clock.ts";

/** At once, and from then on per second: more is nothing that anybody reads while it comes. */
const burstLength = 256 * 1024;
const lengthPerSecond = 16 * 1024;

/** Shows what a command writes while it runs; a flood only in parts, with what was left out counted. Lengths are UTF-16 units. */
export function liveOutput(clock: Pick<Clock, "monotonic">, show: (text: string) => void): (text: string) => void {
  let allowed = burstLength;
  let lastMs = clock.monotonic();
  let leftOut = 0;
  return (text) => {
    const nowMs = clock.monotonic();
    allowed = Math.min(burstLength, allowed + ((nowMs - lastMs) / 1000) * lengthPerSecond);
    lastMs = nowMs;
    if (text.length > allowed) {
      leftOut += text.length;
      return;
    }
    allowed -= text.length;
    show(leftOut === 0 ? text : `\n[… ${leftOut} characters not shown while it runs …]\n${text}`);
    leftOut = 0;
  };
}
