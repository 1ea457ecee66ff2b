import type { Mutant } from "../mutant.ts";

const formatting = "test/gateways/slack/formatting.test.ts";
const sending = "test/gateways/slack/sending.test.ts";
const signing = "test/gateways/slack/signed-requests.test.ts";
const hearing = "test/gateways/slack/hearing.test.ts";

/** Faults put into the Slack gateway; each must turn its test red. */
export const slackMutants: readonly Mutant[] = [
  {
    name: "the Slack gateway waits for the end of a connection that Slack leaves open",
    file: "gateways/slack/src/socket.ts",
    find: 'if (typeof message === "string" && isDisconnect(message)) resolve();',
    replace: "",
    test: "test/gateways/slack/joining.test.ts",
    only: "connections that Slack renews",
  },
  {
    name: "what somebody passes on in Slack is not read",
    file: "gateways/slack/src/incoming-message.ts",
    find: "return is_share === true || is_msg_unfurl === true;",
    replace: "return false;",
    test: hearing,
  },
  {
    name: "files of channels that Slack shares with others are not asked for",
    file: "gateways/slack/src/files.ts",
    find: 'file.file_access === "check_file_info"',
    replace: "false",
    test: hearing,
  },
  {
    name: "an answer to what Slack lets nobody answer is lost",
    file: "gateways/slack/src/outgoing.ts",
    find: "if (place.thread_ts === undefined || !isWithoutThread(error)) throw error;",
    replace: "throw error;",
    test: sending,
  },
  {
    name: "the Slack gateway acknowledges a message before the core has it",
    file: "gateways/slack/src/handovers.ts",
    find: "await this.#core.deliver(event);",
    replace: "void this.#core.deliver(event);",
    test: hearing,
    only: "once the core has it",
  },
  {
    name: "the Slack gateway hands over a mention twice",
    file: "gateways/slack/src/handovers.ts",
    find: "this.#known.set(key, taken);",
    replace: "",
    test: hearing,
    only: "handed over once",
  },
  {
    name: "requests to the Slack gateway need no signature",
    file: "gateways/slack/src/signature.ts",
    find: "return given.length === expected.length && timingSafeEqual(given, expected);",
    replace: "return given.length === 0 || timingSafeEqual(expected, expected);",
    test: signing,
  },
  {
    name: "a recorded request to the Slack gateway is good for ever",
    file: "gateways/slack/src/signature.ts",
    find: "if (Math.abs(nowMs / 1_000 - Number(timestamp)) > ageMaxSeconds) return false;",
    replace: "if (nowMs / 1_000 - Number(timestamp) > 1e9 * ageMaxSeconds) return false;",
    test: signing,
  },
  {
    name: "a model notifies a whole channel on Slack",
    file: "gateways/slack/src/mrkdwn.ts",
    find: 'return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");',
    replace: "return text;",
    test: sending,
    only: "notifies anybody",
  },
  {
    name: "a bare @channel of a model notifies on Slack",
    file: "gateways/slack/src/outgoing.ts",
    find: "verbatim: true",
    replace: "verbatim: false",
    test: sending,
    only: "notifies anybody",
  },
  {
    name: "the Slack gateway forgets which parts were sent",
    file: "gateways/slack/src/outgoing.ts",
    find: "      await sending.partSent(last);\n",
    replace: "",
    test: sending,
    only: "killed between the parts",
  },
  {
    name: "the Slack gateway forgets in which threads it has spoken",
    file: "gateways/slack/src/threads.ts",
    find: "return new Threads(file, await linesOf(file), log);",
    replace: "return new Threads(file, [], log);",
    test: hearing,
    only: "also after a kill",
  },
  {
    name: "backticks of a model open a block on Slack",
    file: "gateways/slack/src/mrkdwn.ts",
    find: "return escapeText(text).replaceAll(/`(?=``)/g, `\\`${zeroWidth}`);",
    replace: "return escapeText(text);",
    test: formatting,
  },
  {
    name: "the Slack gateway does not connect anew",
    file: "gateways/slack/src/socket.ts",
    find: "      if (core.stopping.aborted) return;\n      if (failure?.code",
    replace: "      if (core.stopping.aborted || failure === undefined) return;\n      if (failure?.code",
    test: "test/gateways/slack/joining.test.ts",
    only: "made anew",
  },
];
