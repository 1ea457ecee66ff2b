import type { BotApi } from "../../support/platforms/telegram/bot-api.ts";
import { openBotApi } from "../../support/platforms/telegram/open.ts";
import { driveGateway, startGateway, type Driven, type Ends } from "../driven-gateway.ts";
import type { GatewayProgram } from "../protocol/gateway-program.ts";

export function startProgram(t: Ends, config: object, env: Record<string, string> = {}): GatewayProgram {
  return startGateway(t, { name: "telegram", config, env });
}

/** A Telegram and the gateway that has joined it. */
export async function drive(t: Ends, prepare: (api: BotApi) => void = () => undefined): Promise<Driven<BotApi>> {
  const api = await openBotApi(t);
  prepare(api);
  const config = { bot_token: api.world.bot.token, api_root: api.url, poll_timeout_seconds: 20 };
  return driveGateway(t, api, { name: "telegram", config });
}
