import { after } from "node:test";

import type { GatewayEvent } from "@duragent/gateway-protocol";

import { openSlackSocket, type SlackPlatform } from "../../support/platforms/slack/open.ts";
import { until } from "../../support/until.ts";
import { driveGateway, startGateway, type Driven, type Ends } from "../driven-gateway.ts";
import type { GatewayProgram } from "../protocol/gateway-program.ts";

export const wholeFile: Ends = { after: (end) => after(end) };

export function startProgram(t: Ends, config: object, env: Record<string, string> = {}): GatewayProgram {
  return startGateway(t, { name: "slack", config, env });
}

/** A Slack and the gateway that has joined it. */
export async function drive(
  t: Ends,
  open: (t: Ends) => Promise<SlackPlatform> = openSlackSocket,
): Promise<Driven<SlackPlatform>> {
  const platform = await open(t);
  return driveGateway(t, platform, { name: "slack", config: platform.gateway.config });
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
