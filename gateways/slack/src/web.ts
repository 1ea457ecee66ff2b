import type { Core } from "@duragent/gateway-protocol";
import { LogLevel, WebClient, type WebClientOptions } from "@slack/web-api";

const callWaitMs = 30_000;

/**
 * What calls of Slack's have in common. Nothing is tried again here: the core waits and repeats, and it alone knows what
 * else is to be sent in the same chat.
 */
export function webOptions(apiRoot: string, core: Core): WebClientOptions {
  return {
    slackApiUrl: apiRoot,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    timeout: callWaitMs,
    allowAbsoluteUrls: true,
    logger: loggerOf(core),
  };
}

/** Slack's Web API with the bot's token. */
export function openWeb(token: string, apiRoot: string, core: Core): WebClient {
  return new WebClient(token, webOptions(apiRoot, core));
}

/** The libraries' warnings on stderr, without what lets somebody in. */
export function loggerOf(core: Core): NonNullable<WebClientOptions["logger"]> {
  const ignore = (): void => undefined;
  const log = (...messages: unknown[]): void => {
    const text = messages.map((message) => (message instanceof Error ? message.message : String(message))).join(" ");
    core.log(`slack: ${text.replaceAll(/xox[a-z]-[\w-]+|xapp-[\w-]+|(?<=ticket=)[^&\s]+/g, "[hidden]")}`);
  };
  return {
    debug: ignore,
    info: ignore,
    warn: log,
    error: log,
    setLevel: ignore,
    getLevel: () => LogLevel.WARN,
    setName: ignore,
  };
}
