import { CommandFailure, type ErrorCode } from "@duragent/gateway-protocol";
import { DiscordAPIError, HTTPError, RateLimitError } from "@discordjs/rest";

/** Codes of https://discord.com/developers/docs/topics/opcodes-and-status-codes#json */
const byCode: Readonly<Record<string, ErrorCode>> = {
  10003: "chat_not_found", // unknown channel
  10008: "message_not_found",
  10062: "message_not_found", // unknown interaction
  50001: "chat_not_found", // the bot may not see the channel
  50007: "chat_not_found", // the user takes no direct messages
};
const byStatus: Readonly<Record<number, ErrorCode>> = {
  400: "invalid_request",
  401: "unauthorized",
  403: "unauthorized",
  404: "chat_not_found",
  413: "invalid_request",
};

/** A call of Discord's API whose failure becomes a CommandFailure: the core does the waiting and trying again. */
export async function called<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw platformFailure(error);
  }
}

/** Never with an address: those of webhooks hold a token. */
export function platformFailure(error: unknown): CommandFailure {
  if (error instanceof CommandFailure) return error;
  if (error instanceof RateLimitError) {
    const waitMs = Math.max(error.retryAfter, error.timeToReset, 0);
    return new CommandFailure("rate_limited", "Discord asks to wait", {
      retryAfterSeconds: Math.ceil(waitMs) / 1_000,
      cause: error,
    });
  }
  if (error instanceof DiscordAPIError) {
    const code = byCode[error.code] ?? byStatus[error.status] ?? "platform_error";
    return new CommandFailure(code, `Discord: ${error.message} (${error.code}, HTTP ${error.status})`, {
      cause: error,
    });
  }
  if (error instanceof HTTPError) {
    return new CommandFailure("platform_error", `Discord: HTTP ${error.status}`, { cause: error });
  }
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const said = name === "AbortError" ? "no answer in time" : message;
  return new CommandFailure("not_connected", `Discord is not reached: ${said}`, { cause: error });
}
