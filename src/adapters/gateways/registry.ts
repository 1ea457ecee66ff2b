/** Gateways that come with the program, by the command that duragent.yaml names: packages with a bin of that name. */
export const bundledGateways: Readonly<Record<string, { package: string; secrets: readonly string[] }>> = {
  "duragent-gateway-telegram": { package: "@duragent/gateway-telegram", secrets: ["TELEGRAM_BOT_TOKEN"] },
  "duragent-gateway-discord": {
    package: "@duragent/gateway-discord",
    secrets: ["DISCORD_BOT_TOKEN", "DISCORD_TOKEN"],
  },
  "duragent-gateway-slack": {
    package: "@duragent/gateway-slack",
    secrets: ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"],
  },
};
