import type { Mutant } from "../mutant.ts";

const outgoing = "gateways/discord/src/outgoing-messages.ts";
const sending = "test/gateways/discord/sending.test.ts";
const pressing = "test/gateways/discord/pressing.test.ts";
const joining = "test/gateways/discord/joining.test.ts";

/** Faults put into the Discord gateway; each must turn its test red. */
export const discordMutants: readonly Mutant[] = [
  {
    name: "an answer on Discord is cut inside of code that is not opened again",
    file: outgoing,
    find: "splitMarkdown(command.content, limit)",
    replace: "command.content.match(/[^]{1,2000}/gu) ?? []",
    test: sending,
  },
  {
    name: "an answer on Discord pings everyone it names",
    file: outgoing,
    find: '{ parse: [], replied_user: false } satisfies CreateMessageOptions["allowed_mentions"]',
    replace: 'undefined as CreateMessageOptions["allowed_mentions"]',
    test: sending,
  },
  {
    name: "the Discord gateway forgets which parts were sent",
    file: outgoing,
    find: "if (part < sending.sentParts.length) continue;",
    replace: "",
    test: sending,
  },
  {
    name: "a message to Discord is sent again although only the answer was lost",
    file: outgoing,
    find: "enforce_nonce: true,",
    replace: "",
    test: sending,
  },
  {
    name: "an answer to what Discord lets nobody answer is lost",
    file: outgoing,
    find: "if (!isRefusedReply(error)) throw error;",
    replace: "throw error;",
    test: sending,
    only: "sends what the core says",
  },
  {
    name: "the outcome of a long question on Discord is cut off",
    file: outgoing,
    find: "splitMarkdown(content, limit).at(-1)",
    replace: "splitMarkdown(content, limit).at(0)",
    test: sending,
    only: "sends what the core says",
  },
  {
    name: "a person on Discord is not told in direct messages",
    file: "gateways/discord/src/channels.ts",
    find: "if (!isUnknownChannel(error)) throw error;",
    replace: "throw error;",
    test: sending,
    only: "sends what the core says",
  },
  {
    name: "an answer is given up while Discord is away",
    file: "gateways/discord/src/platform-failure.ts",
    find: "(status >= 502 && status <= 504) ||",
    replace: "",
    test: "test/gateways/discord/platform-failure.test.ts",
  },
  {
    name: "the Discord gateway waits for limits itself",
    file: "gateways/discord/src/start.ts",
    find: ", rejectOnRateLimit: () => true",
    replace: "",
    test: sending,
    only: "sends what the core says",
  },
  {
    name: "a press on Discord is not confirmed before the core answers it",
    file: "gateways/discord/src/presses.ts",
    find: "taken: this.#confirm(id, token),",
    replace: "taken: Promise.resolve(true),",
    test: pressing,
  },
  {
    name: "the answer to a press on Discord is shown to all",
    file: "gateways/discord/src/presses.ts",
    find: "flags: MessageFlags.Ephemeral,",
    replace: "",
    test: pressing,
  },
  {
    name: "the Discord gateway begins anew when a cut connection does not come back at once",
    file: "gateways/discord/src/sessions.ts",
    find: "return cutAtMs !== undefined && performance.now() - cutAtMs <= resumableMs;",
    replace: "return cutAtMs === -1;",
    test: joining,
    only: "loses nothing",
  },
  {
    name: "what the core does not have is not heard again on Discord",
    file: "gateways/discord/src/sessions.ts",
    find: "open.add(sequence)",
    replace: "open",
    test: joining,
    only: "hears after its end",
  },
  {
    name: "the Discord gateway forgets its connection when it ends",
    file: "gateways/discord/src/connection.ts",
    find: "await sessions.close();",
    replace: "",
    test: joining,
    only: "hears after its end",
  },
  {
    name: "bots are heard on Discord",
    file: "gateways/discord/src/incoming-message.ts",
    find: "author.bot || ",
    replace: "",
    test: "test/gateways/discord/hearing.test.ts",
  },
];
