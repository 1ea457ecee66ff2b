import type { ProcessExit } from "./gateway-process.ts";
import type { RunEnd } from "./restart-rule.ts";

type Said = {
  /** Why it was ended, or what it reported as fatal. */
  fault: string | undefined;
  /** Its own reason. */
  reason: string | undefined;
  /** The last of its log. */
  lastLine: string;
};

/** What a process's end means, in words. */
export function endOf({ failure, code, signal }: ProcessExit, said: Said): Pick<RunEnd, "why" | "isClean"> {
  if (failure) return { why: `it could not be started: ${failure.message}`, isClean: false };
  if (said.fault !== undefined) return { why: said.fault, isClean: false };
  if (signal !== null) return { why: `it was ended by ${signal}`, isClean: false };
  if (code === 0) return { why: `it ended by itself${said.reason ? `: ${said.reason}` : ""}`, isClean: true };
  return { why: `it ended with exit code ${code}${said.lastLine ? `: ${said.lastLine}` : ""}`, isClean: false };
}
