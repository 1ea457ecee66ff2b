import { CommandFailure, type ErrorCode } from "@duragent/gateway-protocol";
import { GrammyError, HttpError } from "grammy";

// The Bot API documents codes of HTTP and leaves the reason to the description.
const reasons: readonly (readonly [RegExp, ErrorCode])[] = [
  [/chat not found|peer_id_invalid|group chat was deactivated|chat_write_forbidden/i, "chat_not_found"],
  [/not enough rights to send|have no rights to send/i, "chat_not_found"],
  [/message to \w+ not found|message_id_invalid|message can't be (?:edited|deleted)/i, "message_not_found"],
];

/** What stands before Telegram answers while it is away itself. */
const awayStatuses: ReadonlySet<number> = new Set([502, 503, 504]);

/** What a failed call means to the core. Says nothing that holds the token: grammY leaves addresses out. */
export function toFailure(error: unknown): unknown {
  if (error instanceof HttpError)
    return new CommandFailure("not_connected", `Telegram was not reached: ${causeOf(error)}`, { cause: error });
  if (!(error instanceof GrammyError)) return error;
  const { method, error_code: status, description, parameters } = error;
  const message = `${method}: ${description}`;
  if (status === 429)
    return new CommandFailure("rate_limited", message, {
      retryAfterSeconds: parameters.retry_after ?? 5,
      cause: error,
    });
  if (awayStatuses.has(status))
    return new CommandFailure("not_connected", `Telegram is away: ${message}`, { cause: error });
  return new CommandFailure(codeOf(status, description), message, { cause: error });
}

function codeOf(status: number, description: string): ErrorCode {
  // The answer to a token that never was one.
  if (status === 401 || status === 404) return "unauthorized";
  // To a bot that was blocked, was removed, or was never written to.
  if (status === 403) return "chat_not_found";
  if (status >= 500 || status === 409) return "platform_error";
  return reasons.find(([pattern]) => pattern.test(description))?.[1] ?? "invalid_request";
}

/** Whether Telegram refused a call with a description like this. */
export function isRefused(error: unknown, pattern: RegExp): error is GrammyError {
  return error instanceof GrammyError && error.error_code === 400 && pattern.test(error.description);
}

function causeOf({ error, message }: HttpError): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : message;
}
