import { CommandFailure, type Command, type GatewayEvent } from "@duragent/gateway-protocol";
import type { WebClient } from "@slack/web-api";
import { z } from "zod";

import { escapeText } from "./mrkdwn.ts";

const rememberedMax = 1_000;

/** https://docs.slack.dev/reference/interaction-payloads/block_actions-payload */
export const pressSchema = z.object({
  type: z.literal("block_actions"),
  trigger_id: z.string().optional(),
  user: z.object({ id: z.string().min(1), username: z.string().optional(), name: z.string().optional() }),
  container: z.object({
    message_ts: z.string().optional(),
    channel_id: z.string().optional(),
    thread_ts: z.string().optional(),
  }),
  channel: z.object({ id: z.string() }).optional(),
  message: z.object({ ts: z.string().optional(), thread_ts: z.string().optional() }).optional(),
  actions: z.array(
    z.object({
      type: z.string(),
      action_id: z.string(),
      action_ts: z.string().optional(),
      value: z.string().optional(),
    }),
  ),
});
export type SlackPress = z.infer<typeof pressSchema>;

type Presser = { readonly channel: string; readonly user: string; readonly threadTs: string | undefined };

/** Buttons that were pressed: who did it is remembered, for the newest 1,000, so that only they are shown the answer. */
export class Presses {
  readonly #web: WebClient;
  readonly #pressers = new Map<string, Presser>();

  constructor(web: WebClient) {
    this.#web = web;
  }

  /** A press as the core takes it, or `undefined` for what is no button of a message. */
  take(press: SlackPress): GatewayEvent<"callback_query"> | undefined {
    const [action] = press.actions;
    const channel = press.channel?.id ?? press.container.channel_id;
    const messageTs = press.container.message_ts ?? press.message?.ts;
    if (action?.type !== "button" || action.value === undefined || channel === undefined) return undefined;
    const id = press.trigger_id ?? `${messageTs ?? channel}.${action.action_ts ?? press.user.id}`;
    const threadTs = press.container.thread_ts ?? press.message?.thread_ts;
    this.#pressers.set(id, { channel, user: press.user.id, threadTs });
    const [oldest] = this.#pressers.keys();
    if (this.#pressers.size > rememberedMax && oldest !== undefined) this.#pressers.delete(oldest);
    const username = press.user.username ?? press.user.name;
    return {
      type: "callback_query",
      callback_query_id: id,
      chat_id: channel,
      sender: { id: press.user.id, ...(username !== undefined && { username }) },
      ...(messageTs !== undefined && { message_id: messageTs }),
      data: action.value,
    };
  }

  /** Shows `text` to whoever has pressed, and to nobody else. */
  async answer({ callback_query_id: id, text }: Command<"answer_callback_query">): Promise<void> {
    const presser = this.#pressers.get(id);
    if (presser === undefined)
      throw new CommandFailure(
        "message_not_found",
        "nothing is known of this press: it came before the gateway started",
      );
    if (text === undefined || text.trim() === "") return;
    await this.#web.chat.postEphemeral({
      channel: presser.channel,
      user: presser.user,
      text: escapeText(text),
      ...(presser.threadTs !== undefined && { thread_ts: presser.threadTs }),
    });
  }
}
