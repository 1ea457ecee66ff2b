import { malformed, misplaced, Refusal } from "./refusal.ts";
import { parseHtml, wrongNesting, type Entity } from "./parse-html.ts";
import { wireChat, type Button, type Json, type StoredMessage, type World, type WorldChat } from "./world.ts";

type Method = (world: World, given: Json) => unknown;
type MethodRules = { readonly parameters: readonly string[]; readonly call: Method };

const place = ["chat_id", "message_thread_id", "reply_parameters", "reply_markup"];
const actions = ["typing", "upload_photo", "upload_document", "record_voice", "upload_voice", "find_location"];

/** Methods of the Bot API that a gateway of text needs, with the parameters that each takes. */
export const methods: Readonly<Record<string, MethodRules>> = {
  getMe: {
    parameters: [],
    call: ({ bot }) => ({
      id: bot.id,
      is_bot: true,
      first_name: "Test",
      username: bot.username,
      can_join_groups: true,
    }),
  },
  getWebhookInfo: { parameters: [], call: ({ webhook }) => ({ url: webhook, pending_update_count: 0 }) },
  deleteWebhook: {
    parameters: ["drop_pending_updates"],
    call(world, { drop_pending_updates: drop }) {
      world.webhook = "";
      if (drop === true) world.updates = [];
      return true;
    },
  },
  sendMessage: { parameters: [...place, "text", "parse_mode", "entities", "link_preview_options"], call: sendMessage },
  sendPhoto: { parameters: [...place, "photo", "caption", "parse_mode"], call: sendFile },
  sendDocument: { parameters: [...place, "document", "caption", "parse_mode"], call: sendFile },
  editMessageText: {
    parameters: ["chat_id", "message_id", "text", "parse_mode", "reply_markup", "link_preview_options"],
    call: editMessageText,
  },
  deleteMessage: { parameters: ["chat_id", "message_id"], call: deleteMessage },
  sendChatAction: { parameters: ["chat_id", "message_thread_id", "action"], call: sendChatAction },
  answerCallbackQuery: { parameters: ["callback_query_id", "text", "show_alert"], call: answerCallbackQuery },
  getFile: { parameters: ["file_id"], call: (_, { file_id }) => ({ file_id, file_path: `files/${String(file_id)}` }) },
};

function sendMessage(world: World, given: Json): Json {
  const chat = world.chat(given.chat_id);
  const said = formatted(given.text, given.parse_mode, 4096, "message is too long");
  return stored(world, chat, given, said);
}

function sendFile(world: World, given: Json): Json {
  const chat = world.chat(given.chat_id);
  const file = given.photo ?? given.document;
  if (typeof file !== "string" || file === "") throw malformed("there is no document in the request");
  // It fetches other kinds of files for nobody. https://core.telegram.org/bots/api#sending-files
  const fetched = given.photo === undefined ? /\.(?:pdf|zip|gif)$/i : /\.(?:jpe?g|png|webp|gif)$/i;
  if (/^https?:/.test(file) && !fetched.test(new URL(file).pathname))
    throw misplaced("wrong type of the web page content");
  const none = { text: "", raw: "", entities: [] };
  const said =
    given.caption === undefined
      ? none
      : formatted(given.caption, given.parse_mode, 1024, "message caption is too long");
  return stored(world, chat, given, { ...said, text: `${said.text}\n[file ${file.slice(0, 100)}]`.trim() });
}

type Formatted = { text: string; raw: string; entities: readonly Entity[] };

/** The text of a request as readers see it. Throws as Telegram refuses it. */
function formatted(text: unknown, parseMode: unknown, unitsMax: number, tooLong: string): Formatted {
  if (typeof text !== "string" || text.trim() === "") throw malformed("message text is empty");
  if (!text.isWellFormed()) throw malformed("strings must be encoded in UTF-8");
  if (parseMode !== undefined && parseMode !== "HTML") throw malformed(`unsupported parse_mode ${String(parseMode)}`);
  const read = parseMode === "HTML" ? parseHtml(text) : { text, entities: [] };
  if (read.text.trim() === "") throw malformed("text must be non-empty");
  if (read.text.length > unitsMax) throw malformed(tooLong);
  const nesting = wrongNesting(read.entities);
  if (nesting !== undefined) throw malformed(`entities can not be nested so: ${nesting}`);
  return { ...read, raw: parseMode === "HTML" ? text : text.replaceAll("&", "&amp;").replaceAll("<", "&lt;") };
}

function stored(world: World, chat: WorldChat, given: Json, said: Formatted): Json {
  const keyboard = keyboardOf(given.reply_markup);
  const replyTo = replyOf(chat, given.reply_parameters);
  const topic = given.message_thread_id;
  if (topic !== undefined && (typeof topic !== "number" || !chat.topics.has(topic)))
    throw misplaced("message thread not found");
  const message = world.store(chat, {
    isBots: true,
    ...said,
    keyboard,
    ...(replyTo !== undefined && { replyTo }),
    ...(typeof topic === "number" && { threadId: topic }),
  });
  world.emit("message");
  return wireOf(world, chat, message);
}

function editMessageText(world: World, given: Json): Json {
  const chat = world.chat(given.chat_id);
  const message = chat.messages.find(({ id, isBots }) => id === given.message_id && isBots);
  if (!message) throw misplaced("message to edit not found");
  const said = formatted(given.text, given.parse_mode, 4096, "message is too long");
  const keyboard = keyboardOf(given.reply_markup);
  const before = JSON.stringify([message.text, message.entities, message.keyboard]);
  if (before === JSON.stringify([said.text, said.entities, keyboard]))
    throw misplaced(
      "message is not modified: specified new message content and reply markup are exactly the same as a current " +
        "content and reply markup of the message",
    );
  Object.assign(message, { ...said, keyboard, edits: message.edits + 1 });
  world.emit("message");
  return wireOf(world, chat, message);
}

function deleteMessage(world: World, given: Json): true {
  const chat = world.chat(given.chat_id);
  const index = chat.messages.findIndex(({ id }) => id === given.message_id);
  if (index === -1) throw misplaced("message to delete not found");
  chat.messages.splice(index, 1);
  return true;
}

function sendChatAction(world: World, given: Json): true {
  const chat = world.chat(given.chat_id);
  if (!actions.includes(String(given.action))) throw malformed("wrong parameter action in request");
  chat.typings += 1;
  return true;
}

function answerCallbackQuery(world: World, given: Json): true {
  const press = world.presses.get(String(given.callback_query_id));
  if (!press || press.isAnswered)
    throw new Refusal(400, "Bad Request: query is too old and response timeout expired or query ID is invalid", {
      isMalformed: true,
    });
  const { text } = given;
  if (text !== undefined && (typeof text !== "string" || text.length > 200)) throw malformed("MESSAGE_TOO_LONG");
  press.isAnswered = true;
  press.answer(text === "" ? undefined : text);
  return true;
}

function keyboardOf(markup: unknown): readonly (readonly Button[])[] {
  if (markup === undefined) return [];
  const rows = isJson(markup) ? markup.inline_keyboard : undefined;
  if (!Array.isArray(rows)) throw malformed("object expected as reply markup");
  return rows.map((row: unknown) => {
    if (!Array.isArray(row)) throw malformed("can't parse inline keyboard: it must be an Array of Array of buttons");
    return row.map((button: unknown): Button => {
      if (!isJson(button) || typeof button.text !== "string" || button.text.trim() === "")
        throw malformed("can't parse inline keyboard button: Text buttons must be non-empty");
      const { callback_data: data } = button;
      const bytes = typeof data === "string" ? Buffer.byteLength(data) : 0;
      if (typeof data !== "string" || bytes < 1 || bytes > 64) throw malformed("BUTTON_DATA_INVALID");
      return { text: button.text, callback_data: data };
    });
  });
}

function replyOf(chat: WorldChat, parameters: unknown): number | undefined {
  if (parameters === undefined) return undefined;
  if (!isJson(parameters) || typeof parameters.message_id !== "number")
    throw malformed("can't parse reply parameters: message_id must be a Number");
  const { message_id: id, allow_sending_without_reply: mayMiss } = parameters;
  if (chat.messages.some((message) => message.id === id)) return id;
  if (mayMiss === true) return undefined;
  throw misplaced("message to be replied not found");
}

function wireOf({ bot }: World, chat: WorldChat, message: StoredMessage): Json {
  return {
    message_id: message.id,
    date: Math.floor(Date.now() / 1000),
    chat: wireChat(chat),
    from: { id: bot.id, is_bot: true, first_name: "Test", username: bot.username },
    text: message.text,
    entities: message.entities,
  };
}

export function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
