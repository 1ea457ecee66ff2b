import type { Mutant } from "../mutant.ts";

const polling = "test/gateways/telegram/polling.test.ts";
const sending = "test/gateways/telegram/sending.test.ts";
const hearing = "test/gateways/telegram/hearing.test.ts";
const split = "test/gateways/telegram/split.test.ts";
const format = "test/gateways/telegram/format.test.ts";

/** Faults put into the Telegram gateway and what it shares with others; each must turn its test red. */
export const telegramMutants: readonly Mutant[] = [
  {
    name: "Telegram fetches the pages of an answer's links",
    file: "gateways/telegram/src/send.ts",
    find: "{ link_preview_options: { is_disabled: true } }",
    replace: "{}",
    test: sending,
    only: "what the Telegram gateway sends",
  },
  {
    name: "what is nested too deep to be shown ends an answer on Telegram",
    file: "gateways/telegram/src/format.ts",
    find: "if (error instanceof RangeError)",
    replace: "if (error instanceof RangeError && /^>{4000}/.test(markdown))",
    test: format,
    only: "Markdown for Telegram",
  },
  {
    name: "an answer is given up while Telegram is away",
    file: "gateways/telegram/src/failure.ts",
    find: "new Set([502, 503, 504])",
    replace: "new Set([503, 504])",
    test: sending,
    only: "what the Telegram gateway sends",
  },
  {
    name: "a file that Telegram does not fetch is lost",
    file: "gateways/telegram/src/send.ts",
    find: 'if (media.source !== "url" || !isRefused(error, notFetched)) throw toFailure(error);',
    replace: "throw toFailure(error);",
    test: sending,
    only: "what the Telegram gateway sends",
  },
  {
    name: "an update is confirmed before the core has it",
    file: "gateways/telegram/src/poll.ts",
    find: "        await kept(polling, update);\n",
    replace: "        void kept(polling, update);\n",
    test: polling,
    only: "hands over one update",
  },
  {
    name: "text that Telegram can not read as HTML is not sent as it is",
    file: "gateways/telegram/src/send.ts",
    find: "if (!isRefused(error, unreadable)) throw error;",
    replace: "if (isRefused(error, unreadable) || error) throw error;",
    test: sending,
    only: "plain text",
  },
  {
    name: "a cut falls into a surrogate pair",
    file: "gateways/protocol/src/cut-text.ts",
    find: "const pair = isInsidePair(text, most) ? most - 1 : most;",
    replace: "return most;\n  const pair = most;",
    test: split,
    only: "surrogate",
  },
  {
    name: "parts that were sent are forgotten",
    file: "gateways/telegram/src/send.ts",
    find: "      await partSent(last);\n",
    replace: "",
    test: sending,
    only: "goes on with the next part",
  },
  {
    name: "what was sent already is sent again",
    file: "gateways/telegram/src/send.ts",
    find: "      if (index < sentParts.length) continue;\n",
    replace: "",
    test: sending,
    only: "goes on with the next part",
  },
  {
    name: "the limit is counted in what is sent",
    file: "gateways/telegram/src/split.ts",
    find: "messageUnitsMax = 4096",
    replace: "messageUnitsMax = 4090",
    test: split,
    only: "counts what is read",
  },
  {
    name: "an address of any scheme becomes a link",
    file: "gateways/telegram/src/inline.ts",
    find: "if (safeAddress.test(href) &&",
    replace: "if (",
    test: format,
    only: "mention in disguise",
  },
  {
    name: "other bots are heard",
    file: "gateways/telegram/src/incoming.ts",
    find: "return from && !from.is_bot ? userAsSender(from) : undefined;",
    replace: "return from ? userAsSender(from) : undefined;",
    test: hearing,
    only: "nothing of other bots",
  },
  {
    name: "a webhook is removed with what waits for it",
    file: "gateways/telegram/src/poll.ts",
    find: "drop_pending_updates: false",
    replace: "drop_pending_updates: true",
    test: polling,
    only: "removes a webhook",
  },
  {
    name: "code blocks are not opened again in the next part",
    file: "gateways/protocol/src/split-markdown.ts",
    find: "around = closing ? nothing : after;",
    replace: "around = nothing;",
    test: "test/gateways/protocol/split-markdown.test.ts",
    only: "closes a code block",
  },
  {
    name: "what follows a fence and is no language is left out",
    file: "gateways/telegram/src/format.ts",
    find: "if (said === undefined) return",
    replace: "return",
    test: "test/gateways/telegram/format.test.ts",
  },
];
