import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

import type { BotApi } from "../../support/platforms/telegram/bot-api.ts";
import { openBotApi } from "../../support/platforms/telegram/open.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { GatewayProgram } from "../protocol/gateway-program.ts";

const bin = fileURLToPath(new URL("../../../gateways/telegram/bin/duragent-gateway-telegram.mjs", import.meta.url));

/** Starts the real program, as the core does; it ends with the test. */
export function startProgram(
  t: Pick<TestContext, "after">,
  config: object,
  { env = {}, dataDir }: { env?: Record<string, string>; dataDir?: string } = {},
): GatewayProgram {
  const program = new GatewayProgram([process.execPath, bin], env);
  t.after(async () => {
    program.child.kill("SIGKILL");
    await program.exited;
  });
  program.send({ type: "initialize", protocol: "v1alpha1", name: "telegram", config, data_dir: dataDir });
  return program;
}

export type Driven = {
  readonly api: BotApi;
  readonly program: GatewayProgram;
  /** Kills what runs and starts another with the same folder. */
  again(): Promise<GatewayProgram>;
};

/** A Telegram and the gateway that has joined it. */
export async function drive(t: TestContext, prepare: (api: BotApi) => void = () => undefined): Promise<Driven> {
  const api = await openBotApi(t);
  prepare(api);
  const dataDir = await temporaryFolder(t);
  const config = { bot_token: api.world.bot.token, api_root: api.url, poll_timeout_seconds: 20 };
  const start = async (): Promise<GatewayProgram> => {
    const program = startProgram(t, config, { dataDir });
    await program.heard("ready");
    return program;
  };
  let program = await start();
  return {
    api,
    get program() {
      return program;
    },
    async again() {
      program.child.kill("SIGKILL");
      await program.exited;
      program = await start();
      return program;
    },
  };
}
