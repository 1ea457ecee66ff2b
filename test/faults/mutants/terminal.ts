import type { Mutant } from "../mutant.ts";

const texts = "test/domain/terminal-text.test.ts";
const transcript = "test/surfaces/cli/transcript.test.ts";
const program = "test/scenarios/terminal-escapes.test.ts";

/** Faults put into what keeps foreign text from a terminal; each must turn its test red. */
export const terminalMutants: readonly Mutant[] = [
  {
    name: "what stands in one letter is no escape",
    file: "src/domain/terminal-text.ts",
    find: "\\u007f-\\u009f\\u061c",
    replace: "\\u007f\\u061c",
    test: texts,
  },
  {
    name: "a command may hold what can not be seen",
    file: "src/domain/terminal-text.ts",
    find: "    .replaceAll(mistaken, picture)\n",
    replace: "",
    test: texts,
  },
  {
    name: "a command may be pushed out of sight",
    file: "src/domain/terminal-text.ts",
    find: "    .replaceAll(longBlanks, ({ length }) => `⟨${length} blanks⟩`)\n",
    replace: "",
    test: texts,
  },
  {
    name: "a question says nothing of its length",
    file: "src/surfaces/cli/output/transcript.ts",
    find: "lines.length > commandLinesMax",
    replace: "false",
    test: transcript,
  },
  {
    name: "JSON is for programs only",
    file: "src/domain/terminal-text.ts",
    find: "obeyed.test(json) ? json.replaceAll(allObeyed, spelledOut) : json",
    replace: "json",
    test: program,
  },
  {
    name: "what can be picked is shown as it came",
    file: "src/surfaces/cli/input/pick.ts",
    find: "{ hint: terminalLine(hint) }",
    replace: "{ hint }",
    test: program,
  },
  {
    name: "the start names broken agents as they are called",
    file: "src/surfaces/cli/commands/serve.ts",
    find: "context.stdout.write(`${terminalText(line)}\\n`)",
    replace: "context.stdout.write(`${line}\\n`)",
    test: program,
  },
  {
    name: "titles are shown as they came",
    file: "src/surfaces/cli/output/table.ts",
    find: "row.map((cell) => terminalLine(cell, lengthMax))",
    replace: "row.map((cell) => cell.slice(0, terminalLine(cell, lengthMax).length))",
    test: program,
  },
  {
    name: "a chat starts the server again that was stopped on purpose",
    file: "src/surfaces/cli/server/lost-server.ts",
    find: "if (saidBye) this.#isStopped = true;",
    replace: "void saidBye;",
    test: "test/surfaces/cli/lost-server.test.ts",
  },
  {
    name: "letting go of a stream throws an error at its socket",
    file: "src/client/node-transport.ts",
    find: "void outgoing.destroy();",
    replace: 'void outgoing.destroy(new Error("aborted"));',
    test: "test/client/client.test.ts",
  },
  {
    name: "a pipe that says /end leaves before the end is shown",
    file: "src/surfaces/cli/conversation/conversation.ts",
    find: "      await Promise.race([left.promise, cutOff.promise]);\n",
    replace: "",
    test: "test/surfaces/cli/conversation.test.ts",
  },
  {
    name: "a pipe that says /end waits for a server that is gone",
    file: "src/surfaces/cli/conversation/conversation.ts",
    find: "await Promise.race([left.promise, cutOff.promise]);",
    replace: "await left.promise;",
    test: "test/surfaces/cli/conversation.test.ts",
    only: "nothing can show",
  },
];
