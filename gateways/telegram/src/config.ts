import { CommandFailure } from "@duragent/gateway-protocol";

/** How this gateway reaches Telegram. */
export type TelegramConfig = {
  readonly token: string;
  /** Without a slash at its end. */
  readonly apiRoot: string;
  /** How long Telegram holds a question for updates open. */
  readonly pollTimeoutSeconds: number;
};

const known = ["bot_token", "api_root", "poll_timeout_seconds"];
const pollTimeoutSecondsMax = 50;

/** From `config` of duragent.yaml and the environment. Throws a CommandFailure that says what to write where. */
export function readConfig(
  config: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
): TelegramConfig {
  const unknown = Object.keys(config).filter((key) => !known.includes(key));
  if (unknown.length > 0)
    throw invalid(`unknown key ${unknown.join(", ")} in the gateway's config; there are ${known.join(", ")}`);
  const token = text(config, "bot_token") ?? env.TELEGRAM_BOT_TOKEN;
  if (token === undefined || token.trim() === "")
    throw new CommandFailure(
      "unauthorized",
      "there is no bot token: get one from @BotFather and give it as bot_token in this gateway's config in " +
        "duragent.yaml, or as TELEGRAM_BOT_TOKEN in the server's environment",
    );
  return { token: token.trim(), apiRoot: apiRoot(config), pollTimeoutSeconds: pollTimeout(config) };
}

function apiRoot(config: Readonly<Record<string, unknown>>): string {
  const root = text(config, "api_root") ?? "https://api.telegram.org";
  if (!/^https?:\/\//i.test(root) || !URL.canParse(root))
    throw invalid("api_root is no http or https address; leave it out for https://api.telegram.org");
  return root.replace(/\/+$/, "");
}

function pollTimeout({ poll_timeout_seconds: seconds = 30 }: Readonly<Record<string, unknown>>): number {
  if (typeof seconds !== "number" || !Number.isInteger(seconds) || seconds < 0 || seconds > pollTimeoutSecondsMax)
    throw invalid(`poll_timeout_seconds must be a whole number from 0 to ${pollTimeoutSecondsMax}`);
  return seconds;
}

function text(config: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const value = config[key];
  if (value === undefined || typeof value === "string") return value;
  throw invalid(`${key} in the gateway's config must be text`);
}

function invalid(message: string): CommandFailure {
  return new CommandFailure("invalid_request", message);
}
