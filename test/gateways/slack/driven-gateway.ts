import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

import type { GatewayEvent } from "@duragent/gateway-protocol";

import { openSlackHttp, openSlackSocket, type SlackPlatform } from "../../support/platforms/slack/open.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { GatewayProgram } from "../protocol/gateway-program.ts";

const bin = fileURLToPath(new URL("../../../gateways/slack/bin/duragent-gateway-slack.mjs", import.meta.url));

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
  program.send({ type: "initialize", protocol: "v1alpha1", name: "slack", config, data_dir: dataDir });
  return program;
}

/** Both ways in which Slack brings events. */
export const modes = [
  { mode: "socket mode", open: openSlackSocket },
  { mode: "signed requests", open: openSlackHttp },
] as const;

export type Driven = {
  readonly platform: SlackPlatform;
  program: GatewayProgram;
  /** Kills it and starts another with the same folder. */
  again(): Promise<void>;
};

/** A Slack and the gateway that has joined it. */
export async function drive(
  t: TestContext,
  open: (t: Pick<TestContext, "after">) => Promise<SlackPlatform> = openSlackSocket,
): Promise<Driven> {
  const platform = await open(t);
  const dataDir = await temporaryFolder(t);
  const start = async (): Promise<GatewayProgram> => {
    const program = startProgram(t, platform.gateway.config, { dataDir });
    await program.heard("ready");
    return program;
  };
  const driven: Driven = {
    platform,
    program: await start(),
    async again() {
      driven.program.child.kill("SIGKILL");
      await driven.program.exited;
      driven.program = await start();
    },
  };
  return driven;
}

/** Says to the gateway that the core has it durably. */
export function acknowledge(
  program: GatewayProgram,
  event: GatewayEvent<"message_received"> | GatewayEvent<"callback_query">,
): void {
  const id =
    event.type === "message_received"
      ? { message_id: event.message_id }
      : { callback_query_id: event.callback_query_id };
  program.send({ type: "ack", chat_id: event.chat_id, ...id });
}

let requests = 0;

/** Sends a command that is answered; resolves with the answer. */
export async function ask(
  program: GatewayProgram,
  command: Record<string, unknown>,
): Promise<GatewayEvent<"command_ok" | "command_error">> {
  requests += 1;
  const id = `r${requests}`;
  program.send({ request_id: id, ...command });
  const request_id = command["request_id"] ?? id;
  return Promise.race([program.heard("command_ok", { request_id }), program.heard("command_error", { request_id })]);
}
