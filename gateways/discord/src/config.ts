import { CommandFailure, type Setting } from "@duragent/gateway-protocol";

/** What this gateway reads from `config` in duragent.yaml. */
export type DiscordConfig = { readonly token: string; readonly apiRoot: string };

const knownKeys = ["bot_token", "token", "api_root"];
const discordApi = "https://discord.com/api";

/** Throws CommandFailure, naming what to write where. */
export function readConfig({ config, env }: Pick<Setting, "config" | "env">): DiscordConfig {
  const unknown = Object.keys(config).filter((key) => !knownKeys.includes(key));
  if (unknown.length > 0) {
    throw new CommandFailure(
      "invalid_request",
      `unknown in config of the Discord gateway: ${unknown.join(", ")}. Known are ${knownKeys.join(", ")}.`,
    );
  }
  const token = textOf(config, "bot_token") ?? textOf(config, "token") ?? env.DISCORD_BOT_TOKEN ?? env.DISCORD_TOKEN;
  // As the developer portal's examples write it.
  const bare = token?.trim().replace(/^Bot\s+/i, "");
  if (!bare) {
    throw new CommandFailure(
      "unauthorized",
      "no bot token: set config.bot_token of this gateway in duragent.yaml, or DISCORD_BOT_TOKEN in the server's environment. The token is on the page Bot of your application at https://discord.com/developers/applications.",
    );
  }
  return { token: bare, apiRoot: apiRootOf(textOf(config, "api_root") ?? discordApi) };
}

function textOf(config: Setting["config"], key: string): string | undefined {
  const value = config[key];
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value === "string") return value;
  throw new CommandFailure("invalid_request", `config.${key} of the Discord gateway must be text`);
}

/** Without the version, which the library adds. */
function apiRootOf(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new CommandFailure(
      "invalid_request",
      "config.api_root of the Discord gateway must be an http(s) address, e.g. https://discord.com/api",
    );
  }
  return text.replace(/\/+$/, "");
}
