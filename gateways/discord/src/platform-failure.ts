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

/** What stands before Discord answers while Discord itself is away: gateways, and Cloudflare's own from 520 on. */
const isAway = (status: number): boolean => (status >= 502 && status <= 504) || (status >= 520 && status <= 530);
const unknownChannel = 10_003;
const noHistoryToReplyIn = 160_002;

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
  if ((error instanceof DiscordAPIError || error instanceof HTTPError) && isAway(error.status))
    return new CommandFailure("not_connected", `Discord is away: HTTP ${error.status}`, { cause: error });
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

/** Whether a call failed since there is no such channel, or none that this bot knows of. */
export function isUnknownChannel(error: unknown): boolean {
  const cause = causeOf(error);
  return cause instanceof DiscordAPIError && cause.code === unknownChannel;
}

/** Whether a message was refused for what it answers: one of Discord's own, or where the bot may not read what was said. */
export function isRefusedReply(error: unknown): boolean {
  const cause = causeOf(error);
  if (!(cause instanceof DiscordAPIError)) return false;
  const errors = "errors" in cause.rawError ? cause.rawError.errors : undefined;
  return cause.code === noHistoryToReplyIn || (typeof errors === "object" && "message_reference" in errors);
}

function causeOf(error: unknown): unknown {
  return error instanceof CommandFailure ? error.cause : error;
}
