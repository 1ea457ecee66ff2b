import type { BotMessage, TestChat } from "../test-platform.ts";
import { buttonOf, captionsOf } from "./blocks.ts";
import type { Delivery } from "./delivery.ts";
import { visibleText } from "./visible-text.ts";
import { bot, rawText, type Channel, type Message, type Workspace } from "./workspace.ts";

/** What a person says may carry, beside what every platform has. */
export type SayOptions = Parameters<TestChat["say"]>[2] & {
  readonly files?: readonly object[];
  readonly attachments?: readonly object[];
  readonly subtype?: string;
  /** Slack brings a mention in a channel twice; with scopes for one of both only that one. */
  readonly as?: "message" | "app_mention";
};

/** A conversation and the people in it. */
export class SlackChat implements TestChat {
  readonly id: string;
  /** Slack shows none of bots. */
  readonly typings = 0;
  readonly #channel: Channel;
  readonly #workspace: Workspace;
  readonly #delivery: Delivery;
  readonly #said: (again: () => Promise<unknown>) => void;

  /** `said` is given what delivers the newest message once more. */
  constructor(
    channel: Channel,
    {
      workspace,
      delivery,
      said,
    }: { workspace: Workspace; delivery: Delivery; said: (again: () => Promise<unknown>) => void },
  ) {
    this.id = channel.id;
    this.#channel = channel;
    this.#workspace = workspace;
    this.#delivery = delivery;
    this.#said = said;
  }

  async say(user: string, text: string, options: SayOptions = {}): Promise<string> {
    const { mention = false, replyTo, threadId, files, attachments, subtype, as } = options;
    this.#assertMember(user);
    const ts = this.#workspace.nextTs();
    const written = (mention ? `<@${bot.userId}> ` : "") + escaped(text);
    const threadTs = threadId ?? this.#rootOf(replyTo);
    this.#workspace.post({ ts, channel: this.id, user, text: written, blocks: [], threadTs });
    const root = threadTs === undefined ? undefined : this.#workspace.message(this.id, threadTs);
    const said = {
      user,
      text: written,
      ts,
      event_ts: ts,
      channel: this.id,
      team: bot.teamId,
      ...(threadTs !== undefined && { thread_ts: threadTs, parent_user_id: root?.user ?? user }),
      ...(files && { files, subtype: "file_share" }),
      ...(attachments && { attachments }),
      ...(subtype !== undefined && { subtype }),
    };
    const message = { type: "message", ...said, channel_type: this.#channel.kind === "im" ? "im" : "channel" };
    const isMention = mention && this.#channel.kind === "channel";
    this.#said(() => this.event(message));
    if (as !== "app_mention") await this.event(message);
    if (isMention && as !== "message") await this.event({ type: "app_mention", ...said });
    return ts;
  }

  /** Something happens, as the app is told it. */
  async event(event: object): Promise<{ readonly acknowledged: Promise<void> }> {
    return this.#delivery.deliver("events_api", {
      token: "verification-token",
      team_id: bot.teamId,
      api_app_id: bot.appId,
      type: "event_callback",
      event_id: this.#workspace.next("Ev"),
      event_time: Math.floor(Date.now() / 1_000),
      event,
    });
  }

  messages(): readonly BotMessage[] {
    return this.#workspace.messages
      .filter(({ channel, user }) => channel === this.id && user === bot.userId)
      .map(shown);
  }

  waitFor(what: string, is: (message: BotMessage) => boolean): Promise<BotMessage> {
    return this.#workspace.when(
      () => this.messages().find(is),
      () => `${what}; there are ${JSON.stringify(this.messages(), undefined, 1)}`,
    );
  }

  async press(user: string, { id }: BotMessage, caption: string): Promise<string | undefined> {
    this.#assertMember(user);
    const message = this.#workspace.message(this.id, id);
    const button = message && buttonOf(message.blocks, caption);
    if (!button) throw new Error(`no button "${caption}" under ${id}`);
    const { edits } = message;
    const shownBefore = this.#workspace.ephemerals.length;
    const { acknowledged } = await this.#delivery.deliver("interactive", this.#pressOf(user, message, button));
    await acknowledged;
    // That there is nothing to show to somebody is not said: then what was pressed changes.
    return this.#workspace
      .when(
        () => {
          const told = this.#workspace.ephemerals
            .slice(shownBefore)
            .find((each) => each.user === user && each.channel === this.id);
          return told ? { text: visibleText(told.text) } : message.edits > edits ? { text: undefined } : undefined;
        },
        () => `after "${caption}" was pressed nothing was shown to ${user}`,
      )
      .then(({ text }) => text);
  }

  #pressOf(
    user: string,
    message: Message,
    { action_id, value, text }: { action_id: string; value?: string; text: object },
  ): object {
    const thread = message.threadTs === undefined ? {} : { thread_ts: message.threadTs };
    return {
      type: "block_actions",
      user: { id: user, username: `name-${user.toLowerCase()}`, team_id: bot.teamId },
      api_app_id: bot.appId,
      trigger_id: this.#workspace.next("trigger."),
      container: { type: "message", message_ts: message.ts, channel_id: this.id, is_ephemeral: false, ...thread },
      channel: { id: this.id, name: "channel" },
      message: { type: "message", ts: message.ts, user: bot.userId, text: message.text, ...thread },
      actions: [{ type: "button", action_id, value, text, block_id: "b", action_ts: this.#workspace.nextTs() }],
    };
  }

  #rootOf(replyTo: string | undefined): string | undefined {
    if (replyTo === undefined) return undefined;
    return this.#workspace.message(this.id, replyTo)?.threadTs ?? replyTo;
  }

  #assertMember(user: string): void {
    if (!this.#channel.members.has(user)) throw new Error(`${user} is not in ${this.id}`);
  }
}

function shown(message: Message): BotMessage {
  const raw = rawText(message);
  return {
    id: message.ts,
    text: visibleText(raw),
    raw,
    buttons: captionsOf(message.blocks),
    ...(message.threadTs !== undefined && { replyTo: message.threadTs, threadId: message.threadTs }),
    edits: message.edits,
  };
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
