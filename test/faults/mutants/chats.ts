import type { Mutant } from "../mutant.ts";

const outbox = "test/runtime/gateways/outbox.test.ts";
const seen = "test/runtime/gateways/seen-messages.test.ts";
const sessions = "test/runtime/gateways/chat-sessions.test.ts";
const typing = "test/runtime/gateways/typing.test.ts";
const powerCut = "test/adapters/stores/chats/power-cut.test.ts";
const files = "test/adapters/stores/chats/files.test.ts";
const chatSends = "src/runtime/gateways/chat-sends.ts";
const seenMessages = "src/runtime/gateways/seen-messages.ts";
const chatSessions = "src/runtime/gateways/chat-sessions.ts";
const seenFile = "src/adapters/stores/chats/seen-file.ts";

/** Faults put into what chats are told and what is remembered of them; each must turn its test red. */
export const chatMutants: readonly Mutant[] = [
  {
    name: "each session of a chat tells it things in an order of its own",
    file: chatSends,
    find: "    laneOf: (_id, { gateway, chat_id: chatId }) =>",
    replace: "    laneOf: (_id, { gateway, chat_id, request_id: chatId }) => !chat_id ? null :",
    test: outbox,
  },
  {
    name: "after a restart a chat is told what is found first",
    file: "src/runtime/sessions.ts",
    find: "      outbox.holdDuring(taken);\n",
    replace: "",
    test: outbox,
  },
  {
    name: "a message is tried again under a new request id",
    file: chatSends,
    find: "return attemptOf(await slots.run(() => gateways.ask(gateway, outgoing.request), signal), tries);",
    replace:
      "return attemptOf(await slots.run(() => gateways.ask(gateway, { ...outgoing.request, request_id: `${outgoing.request.request_id}.${tries.failed}` }), signal), tries);",
    test: outbox,
  },
  {
    name: "a delivery is recorded before the gateway has answered",
    file: chatSends,
    find: "return attemptOf(await slots.run(() => gateways.ask(gateway, outgoing.request), signal), tries);",
    replace:
      'void slots.run(() => gateways.ask(gateway, outgoing.request), signal); return attemptOf({ kind: "ok" }, tries);',
    test: outbox,
  },
  {
    name: "a rate limit counts as a failure",
    file: chatSends,
    find: "        return again(Math.min(rateLimitedMsMax, answer.retryAfterMs ?? rateLimitedMs));",
    replace: "        return failedOnce(answer.detail, tries);",
    test: outbox,
  },
  {
    name: "what a gateway can not pass on while its platform is away is lost",
    file: chatSends,
    find: '      if (answer.code === "not_connected") return cutOff(tries);\n',
    replace: "",
    test: outbox,
  },
  {
    name: "a gateway that came back meanwhile is not asked again",
    file: "src/runtime/outbox.ts",
    find: "if (lane.wakes !== wakes || this.stopping.signal.aborted) return;",
    replace: "if (wakes < 0 || this.stopping.signal.aborted) return;",
    test: outbox,
  },
  {
    name: "what could not be recorded is sent again",
    file: "src/runtime/outbox.ts",
    find: "queued.unrecorded += 1;",
    replace: "queued.unrecorded += 1; queued.outcome = null;",
    test: outbox,
  },
  {
    name: "one gateway that hangs holds up the others",
    file: chatSends,
    find: "const known = slots.get(gateway) ?? new Slots(atOnceMax);",
    replace: "const known = [...slots.values()][0] ?? new Slots(atOnceMax);",
    test: outbox,
  },
  {
    name: "a question that was answered is asked in its chat",
    file: chatSends,
    find: "  if (isAnswered(send, state)) return over(failed(tooLate));\n",
    replace: "",
    test: outbox,
  },
  {
    name: "buttons go to a gateway that has none",
    file: "src/runtime/gateways/outgoing-request.ts",
    find: 'const hasButtons = capabilities.includes("inline_keyboard");',
    replace: "const hasButtons = capabilities.length >= 0;",
    test: outbox,
  },
  {
    name: "which messages came is known from memory only",
    file: seenMessages,
    find: "    await this.bringUpToDate(chat);\n",
    replace: "",
    test: seen,
  },
  {
    name: "a log goes before what it knows about messages is durable",
    file: seenMessages,
    find: "    await this.parts.chatIndex.sync(chat.gateway);\n",
    replace: "",
    test: seen,
  },
  {
    name: "a log goes with messages that are not in the index",
    file: seenMessages,
    find: "    await this.read(id, chat);\n    await this.parts",
    replace: "    await this.parts",
    test: seen,
  },
  {
    name: "a row that could not be written is forgotten",
    file: seenMessages,
    find: "      for (const { chat } of seen) this.upToDate.delete(keyOf(chat));\n",
    replace: "",
    test: seen,
  },
  {
    name: "sessions that have ended are not asked which messages they took",
    file: chatSessions,
    find: "session.updatedAtMs >= sinceMs).toReversed()",
    replace: "session.isOpen && session.updatedAtMs >= sinceMs).toReversed()",
    test: seen,
  },
  {
    name: "rows behind a bad line vouch for their session",
    file: seenFile,
    find: "else this.rows.note(this.#seenOf(isWhole ? row : withoutPlace(row)));",
    replace: "else this.rows.note(this.#seenOf(row));",
    test: powerCut,
  },
  {
    name: "rows behind a bad line vouch for their session once the file is written anew",
    file: seenFile,
    find: "const keptRow = isWhole ? row : withoutPlace(row);",
    replace: "const keptRow = row;",
    test: files,
  },
  {
    name: "the index of chats is written anew again and again while it grows",
    file: seenFile,
    find: "Math.max(this.#linesMin, linesMaxFor(this.rows))",
    replace: "Math.max(this.#linesMin, 1_000)",
    test: files,
  },
  {
    name: "what is too old stays in the index of chats as long as the server runs",
    file: seenFile,
    find: "      if (this.#nowMs() - this.#prunedAtMs > pruneEveryMs) this.#prune();\n",
    replace: "",
    test: files,
  },
  {
    name: "the index of chats is never synced",
    file: seenFile,
    find: "        await this.#file.sync();\n",
    replace: "",
    test: powerCut,
  },
  {
    name: "the index of chats is written anew without a sync",
    file: seenFile,
    find: "    await file.sync();\n",
    replace: "",
    test: powerCut,
  },
  {
    name: "a crash while a chat's session is made leaves two",
    file: chatSessions,
    find: "gateway: { name: gateway, chatId, chatType }, idempotencyKey });",
    replace: "gateway: { name: gateway, chatId, chatType }, idempotencyKey: `${idempotencyKey}${Math.random()}` });",
    test: sessions,
  },
  {
    name: "an ending session goes on taking a chat's messages",
    file: chatSessions,
    find: "isOpen: !state.endAsked && !state.ended",
    replace: "isOpen: !state.ended",
    test: sessions,
  },
  {
    name: "a gateway that comes back wakes nobody",
    file: "src/runtime/sessions.ts",
    find: "      chats.changed(name);\n",
    replace: "",
    test: sessions,
  },
  {
    name: "who is to allow something sees somebody typing",
    file: "src/runtime/gateways/typing.ts",
    find: 'if (activity !== "working" && activity !== "backing_off") return null;',
    replace: 'if (activity === "idle") return null;',
    test: typing,
  },
];
