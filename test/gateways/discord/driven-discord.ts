import assert from "node:assert/strict";
import test from "node:test";

import { openDiscordPlatform, type DiscordPlatform } from "../../support/platforms/discord/open.ts";
import { driveGateway, startGateway, type Driven, type Ends } from "../driven-gateway.ts";
import type { GatewayProgram } from "../protocol/gateway-program.ts";

export type DrivenDiscord = Driven<DiscordPlatform>;

export function startProgram(t: Ends, config: object, env: Record<string, string> = {}): GatewayProgram {
  return startGateway(t, { name: "discord", config, env });
}

/** A Discord and the gateway that has joined it. */
export async function drive(
  t: Ends,
  prepare: (platform: DiscordPlatform) => void = () => undefined,
): Promise<DrivenDiscord> {
  const platform = await openDiscordPlatform(t);
  prepare(platform);
  return driveGateway(t, platform, { name: "discord", config: platform.gateway.config });
}

/** Tests that share one Discord and one gateway, where a start costs more than what is looked at: each has its own chats. */
export function together(what: string): (name: string, look: (driven: DrivenDiscord) => Promise<void>) => void {
  const cases: [name: string, look: (driven: DrivenDiscord) => Promise<void>][] = [];
  test(what, async (t) => {
    const driven = await drive(t);
    for (const [name, look] of cases) await t.test(name, () => look(driven));
    assert.deepEqual(driven.platform.violations, []);
  });
  return (name, look) => cases.push([name, look]);
}
