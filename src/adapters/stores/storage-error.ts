import { DuragentError } from "../../schema/problem.ts";
import { errorCode } from "../error-code.ts";

const fullCodes = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** What a failed file operation means to a caller: `storage-full` when there is no room, else `storage-failed`. */
export function storageError(doing: string, cause: unknown, outcome?: "unknown"): DuragentError {
  if (cause instanceof DuragentError) return cause;
  const code = errorCode(cause);
  const full = code !== undefined && fullCodes.has(code);
  const what = cause instanceof Error ? cause.message : String(cause);
  const advice = full ? "free some space, then try again" : "look at the disk and at the system's log";
  return new DuragentError(full ? "storage-full" : "storage-failed", `${doing}: ${what}; ${advice}`, {
    cause,
    retryable: true,
    retryAfterMs: 5000,
    ...(outcome && { outcome }),
  });
}
