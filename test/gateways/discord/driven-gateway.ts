import assert from "node:assert/strict";
import { once } from "node:events";
import test, { type TestContext } from "node:test";
import { fileURLToPath } from "node:url";

import type { GatewayEvent } from "@duragent/gateway-protocol";

import { openDiscordPlatform, type DiscordPlatform } from "../../support/platforms/discord/open.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { GatewayProgram } from "../protocol/gateway-program.ts";

const bin = fileURLToPath(new URL("../../../gateways/discord/bin/duragent-gateway-discord.mjs", import.meta.url));

/** Waits without looking all the time: the program needs the processor more. */
class PatientProgram extends GatewayProgram {
  override async heard<Type extends GatewayEvent["type"]>(
    type: Type,
    fields: Record<string, unknown> = {},
  ): Promise<Extract<GatewayEvent, { type: Type }>> {
    const tooLong = AbortSignal.timeout(15_000);
    const fits = (event: Record<string, unknown>): boolean =>
      event["type"] === type && Object.entries(fields).every(([name, value]) => event[name] === value);
    let hasEnded = false;
    const ended = this.exited.then(() => (hasEnded = true));
    while (!this.events.some(fits) && !hasEnded && !tooLong.aborted) {
      const more = once(this.child.stdout ?? this.child, "data", { signal: tooLong }).catch(() => undefined);
      await Promise.race([more, ended]);
    }
    return super.heard(type, fields);
  }
}

/** Starts the real program, as the core does; it ends with the test. */
export function startProgram(
  t: Pick<TestContext, "after">,
  config: object,
  { env = {}, dataDir }: { env?: Record<string, string>; dataDir?: string } = {},
): GatewayProgram {
  const program = new PatientProgram([process.execPath, bin], env);
  t.after(async () => {
    program.child.kill("SIGKILL");
    await program.exited;
  });
  program.send({ type: "initialize", protocol: "v1alpha1", name: "discord", config, data_dir: dataDir });
  return program;
}

export type Driven = {
  readonly platform: DiscordPlatform;
  readonly program: GatewayProgram;
  /** Kills the newest and starts another with the same folder; `meanwhile` runs between. */
  again(meanwhile?: () => void | Promise<void>): Promise<GatewayProgram>;
};

/** A Discord and the gateway that has joined it. */
export async function drive(
  t: TestContext,
  prepare: (platform: DiscordPlatform) => void = () => undefined,
): Promise<Driven> {
  const platform = await openDiscordPlatform(t);
  prepare(platform);
  const dataDir = await temporaryFolder(t);
  const start = async (): Promise<GatewayProgram> => {
    const program = startProgram(t, platform.gateway.config, { dataDir });
    await program.heard("ready");
    return program;
  };
  const program = await start();
  let current = program;
  return {
    platform,
    program,
    async again(meanwhile = () => undefined) {
      current.child.kill("SIGKILL");
      await current.exited;
      await meanwhile();
      current = await start();
      return current;
    },
  };
}

/** Tests that share one Discord and one gateway, where a start costs more than what is looked at: each has its own chats. */
export function together(what: string): (name: string, look: (driven: Driven) => Promise<void>) => void {
  const cases: [name: string, look: (driven: Driven) => Promise<void>][] = [];
  test(what, async (t) => {
    const driven = await drive(t);
    for (const [name, look] of cases) await t.test(name, () => look(driven));
    assert.deepEqual(driven.platform.violations, []);
  });
  return (name, look) => cases.push([name, look]);
}
