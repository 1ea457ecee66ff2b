import { CommandFailure } from "@duragent/gateway-protocol";
import { z } from "zod";

const text = z.string().min(1);
const schema = z.strictObject({
  bot_token: text.optional(),
  app_token: text.optional(),
  signing_secret: text.optional(),
  api_root: z.url({ protocol: /^https?$/ }).optional(),
  http: z.strictObject({ host: text.default("127.0.0.1"), port: z.int().min(0).max(65_535) }).optional(),
});
const known = Object.keys(schema.shape).join(", ");

/** How events come in: over a websocket that this program opens, or by requests that Slack signs and sends here. */
export type Inbound =
  | { readonly mode: "socket"; readonly appToken: string }
  | { readonly mode: "http"; readonly signingSecret: string; readonly host: string; readonly port: number };

export type SlackSettings = {
  readonly botToken: string;
  /** Where the Web API is, with a slash at its end. */
  readonly apiRoot: string;
  readonly inbound: Inbound;
};

/** From the gateway's `config`, else the environment. Throws CommandFailure that names what is missing and where it goes. */
export function readSettings(
  config: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
): SlackSettings {
  const read = schema.safeParse(config);
  if (!read.success) throw new CommandFailure("invalid_request", faultOf(read.error));
  const { bot_token, app_token, signing_secret, api_root = "https://slack.com/api/", http } = read.data;
  const botToken = bot_token ?? env["SLACK_BOT_TOKEN"];
  const appToken = app_token ?? env["SLACK_APP_TOKEN"];
  const signingSecret = signing_secret ?? env["SLACK_SIGNING_SECRET"];
  if (!botToken) throw missing("bot token (xoxb-…, from OAuth & Permissions)", "bot_token", "SLACK_BOT_TOKEN");
  assertKind(botToken, "xoxb-", "bot_token");
  const apiRoot = api_root.endsWith("/") ? api_root : `${api_root}/`;
  if (http) {
    if (!signingSecret)
      throw missing("signing secret (from Basic Information)", "signing_secret", "SLACK_SIGNING_SECRET");
    return { botToken, apiRoot, inbound: { mode: "http", signingSecret, ...http } };
  }
  if (!appToken) {
    throw missing(
      "app token (xapp-…, from Basic Information, with connections:write, for Socket Mode; or configure http and signing_secret)",
      "app_token",
      "SLACK_APP_TOKEN",
    );
  }
  assertKind(appToken, "xapp-", "app_token");
  return { botToken, apiRoot, inbound: { mode: "socket", appToken } };
}

function missing(what: string, key: string, variable: string): CommandFailure {
  return new CommandFailure(
    "unauthorized",
    `the Slack ${what} is missing: put it under config.${key} of this gateway in duragent.yaml, or in the variable ${variable}`,
  );
}

function assertKind(token: string, prefix: string, key: string): void {
  if (token.startsWith(prefix)) return;
  throw new CommandFailure(
    "unauthorized",
    `the Slack ${key} does not begin with ${prefix}: it is a token of another kind`,
  );
}

function faultOf(error: z.ZodError): string {
  const faults = error.issues.map((issue) => {
    const path = issue.path.join(".");
    if (issue.code === "unrecognized_keys") {
      const where = path === "" ? `known are ${known}` : `known in ${path} are host, port`;
      return `unknown key ${issue.keys.join(", ")}: ${where}`;
    }
    return `config.${path}: ${issue.message}`;
  });
  return `the configuration of the Slack gateway is not valid: ${faults.join("; ")}`;
}
