import { after } from "node:test";
import { fileURLToPath } from "node:url";

import type { GatewayEvent } from "@duragent/gateway-protocol";

import { openSlackSocket, type SlackPlatform } from "../../support/platforms/slack/open.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { until } from "../../support/until.ts";
import { GatewayProgram } from "../protocol/gateway-program.ts";

const bin = fileURLToPath(new URL("../../../gateways/slack/bin/duragent-gateway-slack.mjs", import.meta.url));

/** Where it is said what is to be ended: a test, or a file of tests that share something. */
export type Ends = { after(end: () => Promise<void>): void };
export const wholeFile: Ends = { after: (end) => after(end) };

/** Starts the real program, as the core does; it ends with the test. */
export function startProgram(
  t: Ends,
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

export type Driven = {
  readonly platform: SlackPlatform;
  program: GatewayProgram;
  /** Kills it and starts another with the same folder. */
  again(): Promise<void>;
};

/** A Slack and the gateway that has joined it. */
export async function drive(t: Ends, open: (t: Ends) => Promise<SlackPlatform> = openSlackSocket): Promise<Driven> {
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

/** Resolves once the gateway has told Slack so often that it has the event of that ts. */
export async function acknowledged({ workspace, delivery }: SlackPlatform, ts: string, times = 1): Promise<void> {
  await workspace.when(
    () => delivery.acknowledged.filter((each) => each === ts).length >= times || undefined,
    () => `${ts} was not acknowledged ${times} times`,
  );
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

type Answer = GatewayEvent<"command_ok"> | GatewayEvent<"command_error">;
let requests = 0;

/** The same for one that works: the id of the message. */
export async function told(program: GatewayProgram, command: Record<string, unknown>): Promise<string | undefined> {
  const answer = await ask(program, command);
  if (answer.type === "command_error") throw new Error(`${answer.code}: ${answer.message}`);
  return answer.message_id;
}

/** Sends a command that is answered; resolves with the answer. */
export async function ask(program: GatewayProgram, command: Record<string, unknown>): Promise<Answer> {
  requests += 1;
  const id = `r${requests}`;
  program.send({ request_id: id, ...command });
  const requestId = command["request_id"] ?? id;
  const find = (): Answer | undefined =>
    [...program.of("command_ok"), ...program.of("command_error")].find((each) => each.request_id === requestId);
  await until(`an answer to ${String(requestId)}`, () => find() !== undefined || program.child.exitCode !== null);
  const answer = find();
  if (!answer) throw new Error(`ended without an answer: ${program.log}`);
  return answer;
}
