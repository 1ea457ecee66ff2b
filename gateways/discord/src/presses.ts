import { ComponentType, InteractionType, MessageFlags, type API, type APIInteraction } from "@discordjs/core";
import { CommandFailure, errorText, type Command, type GatewayEvent } from "@duragent/gateway-protocol";

import { called } from "./platform-failure.ts";

/** How long Discord takes answers to a press. https://discord.com/developers/docs/interactions/receiving-and-responding */
const answerableMs = 15 * 60_000;
const rememberedMax = 1_000;

type Press = {
  readonly applicationId: string;
  readonly token: string;
  readonly atMs: number;
  readonly taken: Promise<boolean>;
};

/** Presses of the buttons under the bot's messages. */
export class Presses {
  readonly #interactions: API["interactions"];
  readonly #log: (message: string) => void;
  readonly #presses = new Map<string, Press>();

  constructor(interactions: API["interactions"], log: (message: string) => void) {
    this.#interactions = interactions;
    this.#log = log;
  }

  /** Confirms it to Discord at once, which waits 3 s only; an answer comes afterwards. `undefined`: not one of a button. */
  take(interaction: APIInteraction): GatewayEvent<"callback_query"> | undefined {
    if (interaction.type !== InteractionType.MessageComponent) return undefined;
    if (interaction.data.component_type !== ComponentType.Button) return undefined;
    const { id, application_id, token, member } = interaction;
    const user = member?.user ?? interaction.user;
    if (!user) return undefined;
    this.#remember(id, {
      applicationId: application_id,
      token,
      atMs: performance.now(),
      taken: this.#confirm(id, token),
    });
    return {
      type: "callback_query",
      callback_query_id: id,
      chat_id: interaction.channel.id,
      sender: {
        id: user.id,
        username: user.username,
        display_name: member?.nick ?? user.global_name ?? user.username,
      },
      message_id: interaction.message.id,
      data: interaction.data.custom_id,
    };
  }

  /** Shown to nobody but who pressed. Without a text there is nothing left to do: the press is confirmed. */
  async answer({ callback_query_id, text = "" }: Command<"answer_callback_query">): Promise<void> {
    const press = this.#presses.get(callback_query_id);
    if (!press || performance.now() - press.atMs > answerableMs) {
      throw new CommandFailure(
        "message_not_found",
        "the button was pressed more than 15 minutes ago, or before a restart",
      );
    }
    if (!(await press.taken)) throw new CommandFailure("message_not_found", "Discord did not take the confirmation");
    if (text.trim() === "") return;
    await called(
      this.#interactions.followUp(press.applicationId, press.token, {
        content: Array.from(text).slice(0, 2_000).join(""),
        flags: MessageFlags.Ephemeral,
        allowed_mentions: { parse: [] },
      }),
    );
  }

  async #confirm(id: string, token: string): Promise<boolean> {
    try {
      await called(this.#interactions.deferMessageUpdate(id, token));
      return true;
    } catch (error) {
      // What was pressed still counts; the presser sees that it took too long.
      this.#log(`a press could not be confirmed: ${errorText(error)}`);
      return false;
    }
  }

  #remember(id: string, press: Press): void {
    this.#presses.set(id, press);
    for (const [oldest, { atMs }] of this.#presses) {
      if (this.#presses.size <= rememberedMax && performance.now() - atMs <= answerableMs) break;
      this.#presses.delete(oldest);
    }
  }
}
