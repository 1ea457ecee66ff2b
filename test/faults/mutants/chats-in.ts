import type { Mutant } from "../mutant.ts";

const router = "test/runtime/gateways/router.test.ts";
const commands = "test/runtime/gateways/router-commands.test.ts";
const faults = "test/runtime/gateways/router-faults.test.ts";
const approvals = "test/runtime/gateways/router-approvals.test.ts";
const attackers = "test/faults/chat-attackers.test.ts";

/** Faults put into how messages and presses of chats are taken in; each must turn its test red. */
export const chatsInMutants: readonly Mutant[] = [
  {
    name: "a message is confirmed before it is durable",
    file: "src/runtime/gateways/router.ts",
    find: "    const incoming = incomingOf(gateway, event, digest);",
    replace:
      "    const incoming = incomingOf(gateway, event, digest);\n    confirm(gateway, { chat_id: event.chat_id, message_id: event.message_id });",
    test: faults,
  },
  {
    name: "what could not be taken in is confirmed all the same",
    file: "src/runtime/gateways/router.ts",
    find: 'if (outcome === undefined || outcome === "unsaid") return;',
    replace: 'if (outcome === "unsaid") return;',
    test: faults,
  },
  {
    name: "which messages came before is known in memory only",
    file: "src/runtime/gateways/take-message.ts",
    find: 'if (await seen.has(chat, key)) return "repeated";',
    replace: "",
    test: commands,
    only: "after a restart",
  },
  {
    name: "a message goes in without its key",
    file: "src/runtime/gateways/enter-session.ts",
    find: ", idempotencyKey: message.key };",
    replace: " };",
    test: faults,
  },
  {
    name: "what is dropped is not remembered",
    file: "src/runtime/gateways/take-message.ts",
    find: "await seen.note([inLog ? row : { ...row, dropped: outcome }]);",
    replace: "",
    test: router,
  },
  {
    name: "messages of one chat pass each other",
    file: "src/runtime/gateways/serial-lanes.ts",
    find: "const done = before.then(work);",
    replace: "const done = Promise.resolve().then(work);",
    test: router,
  },
  {
    name: "every message of a group is answered where nothing is said about it",
    file: "src/domain/gateways/access.ts",
    find: 'if (addressed || groups.activation === "always")',
    replace: "if (groups.activation)",
    test: router,
  },
  {
    name: "a blocked member ends the conversation",
    file: "src/runtime/gateways/take-message.ts",
    find: 'if (admission.kind === "refused") return { outcome: "refused" };',
    replace:
      'if (admission.kind === "refused") return admitted(message, { agent, access, admission: { kind: "allow" } }, way);',
    test: attackers,
    only: "a blocked member ends",
  },
  {
    name: "who only listens ends the conversation",
    file: "src/runtime/gateways/take-message.ts",
    find: '!isGroup || admission.kind === "allow" || (command !== "reset" && command !== "cancel");',
    replace: "true || (isGroup && command && admission);",
    test: commands,
  },
  {
    name: "a message that slipped in behind a session's end is lost",
    file: "src/runtime/gateways/enter-session.ts",
    find: "if (!isOpen && ended < endedMax && (await wasOverBefore(sessionId, sent.seq, way))) continue;",
    replace: "if (isOpen === undefined) continue;",
    test: faults,
  },
  {
    name: "a command to another bot is obeyed",
    file: "src/domain/gateways/slash-command.ts",
    find: "suffix === undefined ? when(addressed, command) : when(mentionsBot, command)",
    replace: "suffix === undefined ? when(addressed, command) : when(addressed, command)",
    test: commands,
  },
  {
    name: "somebody decides by what they call themselves",
    file: "src/runtime/gateways/answer-in-words.ts",
    find: "decidedBy: message.senderId,",
    replace: "decidedBy: message.senderName,",
    test: attackers,
    only: "calls themselves as the asker",
  },
  {
    name: "an approver is known by name",
    file: "src/runtime/gateways/answer-in-words.ts",
    find: "isApprover(admitted.access, message.senderId)",
    replace: "isApprover(admitted.access, message.senderName)",
    test: attackers,
    only: "calls themselves as an approver",
  },
  {
    name: "any member decides with a button",
    file: "src/runtime/gateways/take-press.ts",
    find: "mayDecide: isApprover(access, decidedBy),",
    replace: "mayDecide: true,",
    test: approvals,
    only: "another member",
  },
  {
    name: "a press in another chat counts",
    file: "src/runtime/gateways/take-press.ts",
    find: "parts.chats.sessionsOf(chat)",
    replace: 'parts.chats.sessionsOf({ ...chat, chatId: "g" })',
    test: attackers,
    only: "pressed in another chat",
  },
  {
    name: "a press at another gateway counts",
    file: "src/runtime/gateways/take-press.ts",
    find: "parts.chats.sessionsOf(chat)",
    replace: 'parts.chats.sessionsOf({ ...chat, gateway: "test" })',
    test: attackers,
    only: "another gateway says that the button",
  },
  {
    name: "an old button decides whatever waits",
    file: "src/runtime/gateways/take-press.ts",
    find: "if (tag !== undefined) return found.find((question) => question.tag === tag);",
    replace: "",
    test: attackers,
    only: "is pressed again",
  },
  {
    name: "a press that comes again decides the next question",
    file: "src/runtime/gateways/take-press.ts",
    find: 'if (await seen.has(press.chat, press.key)) return { outcome: "repeated", text: alreadyDecided };',
    replace: "",
    test: approvals,
    only: "an older button",
  },
  {
    name: "a blocked approver decides",
    file: "src/runtime/gateways/take-press.ts",
    find: 'admit(access, speaker, true).kind === "refused" ? undefined : access',
    replace: "speaker ? access : undefined",
    test: approvals,
    only: "who is blocked",
  },
  {
    name: "a yes to somebody else is a decision",
    file: "src/runtime/gateways/answer-in-words.ts",
    find: 'admitted.admission.kind === "context"',
    replace: "admitted.admission === undefined",
    test: attackers,
    only: "says yes to somebody else",
  },
  {
    name: "a missing agent's chats go to another",
    file: "src/domain/gateways/route.ts",
    find: "if (route) return route.agent;",
    replace: "if (route && agents.defined.includes(route.agent)) return route.agent;",
    test: router,
  },
  {
    name: "a name has more than one line",
    file: "src/domain/gateways/sender-label.ts",
    find: '.replaceAll(unfit, " ")',
    replace: "",
    test: "test/domain/gateways/words.test.ts",
  },
];
