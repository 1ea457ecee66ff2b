import { CommandFailure, errorText, type ErrorCode } from "@duragent/gateway-protocol";
import { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError, WebAPIRequestError } from "@slack/web-api";

// https://docs.slack.dev/reference/methods: the errors of each method. What is not here is `platform_error`.
const codes: Readonly<Record<string, ErrorCode>> = {
  channel_not_found: "chat_not_found",
  not_in_channel: "chat_not_found",
  is_archived: "chat_not_found",
  user_not_in_channel: "chat_not_found",
  user_not_found: "chat_not_found",
  cannot_dm_bot: "chat_not_found",
  messages_tab_disabled: "chat_not_found",
  service_unavailable: "not_connected",
  message_not_found: "message_not_found",
  cant_update_message: "message_not_found",
  cant_delete_message: "message_not_found",
  edit_window_closed: "message_not_found",
  not_authed: "unauthorized",
  invalid_auth: "unauthorized",
  account_inactive: "unauthorized",
  token_revoked: "unauthorized",
  token_expired: "unauthorized",
  not_allowed_token_type: "unauthorized",
  user_removed_from_team: "unauthorized",
  team_disabled: "unauthorized",
  missing_scope: "unauthorized",
  no_permission: "unauthorized",
  ratelimited: "rate_limited",
  rate_limited: "rate_limited",
  msg_too_long: "invalid_request",
  msg_blocks_too_long: "invalid_request",
  no_text: "invalid_request",
  invalid_blocks: "invalid_request",
  invalid_arguments: "invalid_request",
  invalid_arg_name: "invalid_request",
};
const hints: Readonly<Record<string, string>> = {
  not_in_channel: "invite the bot to the channel",
  channel_not_found: "the bot sees no such channel",
  messages_tab_disabled: "allow messages to the app under App Home",
  missing_scope: "add the scope under OAuth & Permissions and install the app again",
};
/** What a gateway of Slack's answers while what is behind it is away. */
const awayStatuses = new Set([502, 503, 504]);
/** Where Slack says "too many" without saying until when. */
const pauseSeconds = 30;

/** What went wrong in a call of Slack's, in the protocol's words. */
export function failureOf(error: unknown): CommandFailure {
  if (error instanceof CommandFailure) return error;
  if (error instanceof WebAPIRateLimitedError) return rateLimited(error.retryAfter, error);
  if (error instanceof WebAPIPlatformError) return refused(error);
  if (error instanceof WebAPIRequestError) return away(error.original.message, error);
  if (error instanceof WebAPIHTTPError && awayStatuses.has(error.statusCode))
    return away(`HTTP ${error.statusCode}`, error);
  const message = errorText(error);
  return new CommandFailure("platform_error", `Slack: ${message}`, { cause: error });
}

function refused(error: WebAPIPlatformError): CommandFailure {
  const { error: name, response_metadata: more } = error.data;
  const code = codes[name] ?? "platform_error";
  if (code === "rate_limited") return rateLimited(more?.retryAfter ?? pauseSeconds, error);
  const needed = "needed" in error.data && typeof error.data.needed === "string" ? ` (${error.data.needed})` : "";
  const detail = [...(more?.messages ?? []), ...(hints[name] === undefined ? [] : [hints[name] + needed])].join("; ");
  return new CommandFailure(code, `Slack: ${name}${detail === "" ? "" : `: ${detail}`}`, { cause: error });
}

function rateLimited(retryAfterSeconds: number, cause: unknown): CommandFailure {
  return new CommandFailure("rate_limited", `Slack: too many requests, again in ${retryAfterSeconds} s`, {
    retryAfterSeconds,
    cause,
  });
}

function away(why: string, cause: unknown): CommandFailure {
  return new CommandFailure("not_connected", `Slack is not reached: ${why}`, { cause });
}
