import { readBlocks, type ReadBlocks } from "./blocks.ts";
import { bot, type Block, type Workspace } from "./workspace.ts";

export type Arguments = Readonly<Record<string, string>>;
/** `error` is one of the method's documented errors; `why` only for whoever reads a test's output. */
export type Result = { readonly ok: true; readonly [key: string]: unknown } | Refused;
type Refused = { readonly ok: false; readonly error: string; readonly why?: string };

export type Method = {
  readonly needs: readonly string[];
  readonly takes: readonly string[];
  call(given: Arguments, workspace: Workspace): Result;
};

/** Errors that only a wrong request gets: none is expected. */
export const malformed: ReadonlySet<string> = new Set([
  "invalid_arguments",
  "invalid_arg_name",
  "invalid_blocks",
  "invalid_blocks_format",
  "msg_too_long",
  "no_text",
  "unknown_method",
  "invalid_auth",
  "not_authed",
  "not_allowed_token_type",
  "thread_not_found",
]);

const textMax = 40_000;
const updatedTextMax = 4_000;

/** The methods that a chat gateway uses, each with its arguments. https://docs.slack.dev/reference/methods */
export const methods: Readonly<Record<string, Method>> = {
  "auth.test": {
    needs: [],
    takes: [],
    call: () => ({
      ok: true,
      url: "https://team.slack.com/",
      team: "Team",
      user: bot.name,
      team_id: bot.teamId,
      user_id: bot.userId,
      bot_id: bot.botId,
      is_enterprise_install: false,
    }),
  },
  "users.info": {
    needs: ["user"],
    takes: ["include_locale"],
    call: ({ user = "" }, { channels }) => {
      const isKnown = [...channels.values()].some(({ members }) => members.has(user));
      if (!isKnown) return refused("user_not_found");
      const name = user === bot.userId ? bot.name : `name-${user.toLowerCase()}`;
      const displayName = user === bot.userId ? "Duragent" : `Person ${user}`;
      return { ok: true, user: { id: user, name, real_name: displayName, profile: { display_name: displayName } } };
    },
  },
  "conversations.info": {
    needs: ["channel"],
    takes: [],
    call: ({ channel = "" }, { channels }) => {
      const found = channels.get(channel);
      return found ? { ok: true, channel: { id: channel, is_im: found.kind === "im" } } : refused("channel_not_found");
    },
  },
  "files.info": {
    needs: ["file"],
    takes: ["page", "limit", "cursor", "count"],
    call: ({ file = "" }, { filesToAskFor }) => {
      const found = filesToAskFor.get(file);
      return found ? { ok: true, file: { id: file, ...found } } : refused("file_not_found");
    },
  },
  "chat.postMessage": {
    needs: ["channel"],
    takes: ["text", "blocks", "thread_ts", "unfurl_links", "unfurl_media", "mrkdwn", "parse", "link_names", "metadata"],
    call(given, workspace) {
      const { text = "", thread_ts: threadTs } = given;
      const shown = shownOf(given, textMax);
      if (!shown.ok) return shown;
      const channel = workspace.directChat(given["channel"] ?? "") ?? given["channel"] ?? "";
      const fault = placeFault({ ...given, channel }, workspace);
      if (fault) return fault;
      const ts = workspace.nextTs();
      workspace.post({ ts, channel, user: bot.userId, text, blocks: shown.blocks, threadTs });
      return { ok: true, channel, ts, message: { type: "message", user: bot.userId, bot_id: bot.botId, text, ts } };
    },
  },
  "chat.update": {
    needs: ["channel", "ts"],
    takes: ["text", "blocks", "parse", "link_names", "metadata"],
    call(given, workspace) {
      const { channel = "", ts = "", text = "" } = given;
      const shown = shownOf(given, updatedTextMax);
      if (!shown.ok) return shown;
      if (!workspace.channels.has(channel)) return refused("channel_not_found");
      const message = workspace.message(channel, ts);
      if (!message) return refused("message_not_found");
      if (message.user !== bot.userId) return refused("cant_update_message");
      workspace.edit(message, text, shown.blocks);
      return { ok: true, channel, ts, text };
    },
  },
  "chat.delete": {
    needs: ["channel", "ts"],
    takes: [],
    call({ channel = "", ts = "" }, workspace) {
      if (!workspace.channels.has(channel)) return refused("channel_not_found");
      const message = workspace.message(channel, ts);
      if (!message) return refused("message_not_found");
      if (message.user !== bot.userId) return refused("cant_delete_message");
      workspace.remove(message);
      return { ok: true, channel, ts };
    },
  },
  "chat.postEphemeral": {
    needs: ["channel", "user"],
    takes: ["text", "blocks", "thread_ts", "parse", "link_names"],
    call(given, workspace) {
      const { channel = "", user = "", text = "" } = given;
      const shown = shownOf(given, textMax);
      if (!shown.ok) return shown;
      const fault = placeFault(given, workspace);
      if (fault) return fault;
      if (!workspace.channels.get(channel)?.members.has(user)) return refused("user_not_in_channel");
      workspace.ephemerals.push({ channel, user, text });
      workspace.changed();
      return { ok: true, message_ts: workspace.nextTs() };
    },
  },
};

function shownOf(
  { text = "", blocks }: Arguments,
  max: number,
): { readonly ok: true; readonly blocks: readonly Block[] } | Refused {
  if (text.length > max) return refused("msg_too_long", `${text.length} characters of text`);
  const read: ReadBlocks = blocks === undefined ? { kind: "blocks", blocks: [] } : readBlocks(blocks);
  if (read.kind === "refused") return refused(read.error, read.why);
  return text.trim() === "" && read.blocks.length === 0 ? refused("no_text") : { ok: true, blocks: read.blocks };
}

/** Where somebody wants to write, and may not. */
export function placeFault({ channel, channel_id, thread_ts }: Arguments, workspace: Workspace): Refused | undefined {
  const found = workspace.channels.get(channel ?? channel_id ?? "");
  if (!found) return refused("channel_not_found");
  if (!found.members.has(bot.userId)) return refused("not_in_channel");
  if (thread_ts === undefined) return undefined;
  const root = workspace.message(found.id, thread_ts);
  if (!root) return refused("thread_not_found");
  if (workspace.unanswerable.has(thread_ts)) return refused("cannot_reply_to_message");
  return undefined;
}

export function refused(error: string, why?: string): Refused {
  return { ok: false, error, ...(why !== undefined && { why }) };
}
