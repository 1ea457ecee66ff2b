import type { Mutant } from "../mutant.ts";

const runner = "test/gateways/protocol/runner.test.ts";
const framing = "test/gateways/protocol/framing.test.ts";
const media = "test/adapters/gateways/media.test.ts";

/** Faults put into what every gateway stands on, and into how files of messages are fetched. */
export const gatewayProtocolMutants: readonly Mutant[] = [
  {
    name: "a gateway hands over once what the core did not take",
    file: "gateways/protocol/src/deliveries.ts",
    find: "      if (over.aborted) return;\n",
    replace: "      if (over.aborted || waitMs > 0) return;\n",
    test: "test/gateways/protocol/deliveries.test.ts",
  },
  {
    name: "a gateway forgets what it sent when it is killed",
    file: "gateways/protocol/src/sent-requests.ts",
    find: "await this.#file?.appendFile(`${JSON.stringify(line)}\\n`);",
    replace: "",
    test: runner,
  },
  {
    name: "a request that was answered is carried out again",
    file: "gateways/protocol/src/requests.ts",
    find: "if (known?.done) return",
    replace: "if (known?.done && request.type === 'delete_message') return",
    test: runner,
  },
  {
    name: "a request that is being carried out is begun a second time",
    file: "gateways/protocol/src/requests.ts",
    find: "if (running) return running;",
    replace: "",
    test: runner,
  },
  {
    name: "requests of one chat overtake each other",
    file: "gateways/protocol/src/requests.ts",
    find: "const answer = before ? before.then(() => this.#once(request)) : this.#once(request);",
    replace: "const answer = this.#once(request);",
    test: runner,
  },
  {
    name: "the parts of a message that were sent are sent again",
    file: "gateways/protocol/src/requests.ts",
    find: "sentParts: known?.parts ?? [],",
    replace: "sentParts: [],",
    test: runner,
  },
  {
    name: "a gateway writes to a core that does not read",
    file: "gateways/protocol/src/line-output.ts",
    find: "while (this.#drained) await this.#drained;",
    replace: "",
    test: runner,
  },
  {
    name: "a gateway tells its token in an error",
    file: "gateways/protocol/src/runner.ts",
    find: 'this.#output.offer({ type: "error", code, message: this.#hide(message), fatal: true });',
    replace: 'this.#output.offer({ type: "error", code, message, fatal: true });',
    test: runner,
  },
  {
    name: "a line to a gateway has no bound",
    file: "gateways/protocol/src/framing.ts",
    find: "if (length > this.#bytesMax) {",
    replace: "if (length > 2 ** 31) {",
    test: framing,
  },
  {
    name: "a carriage return stays at the end of a line",
    file: "gateways/protocol/src/framing.ts",
    find: "const carriageReturn = 13;",
    replace: "const carriageReturn = -1;",
    test: framing,
  },
  {
    name: "files of messages are fetched from everywhere",
    file: "src/adapters/gateways/media.ts",
    find: "guarded: !isTrusted",
    replace: "guarded: false",
    test: media,
  },
  {
    name: "another server is told what a file's own needs",
    file: "src/adapters/gateways/media.ts",
    find: "url.origin === start?.origin ? media.headers : {}",
    replace: "media.headers ?? {}",
    test: media,
  },
  {
    name: "a file of a message has no bound",
    file: "src/adapters/gateways/media.ts",
    find: "if (bytes > incomingFileBytesMax) throw tooLarge();",
    replace: "if (bytes > 200 * incomingFileBytesMax) throw tooLarge();",
    test: media,
  },
];
