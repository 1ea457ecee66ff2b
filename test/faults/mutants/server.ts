import type { Mutant } from "../mutant.ts";

const writer = "src/adapters/stores/sessions/files/log-writer.ts";

/** Faults put into what only real processes and system calls show; each must turn its test red. */
export const serverMutants: readonly Mutant[] = [
  {
    name: "an append is acknowledged before it is written",
    file: "src/adapters/stores/sessions/files/session-log.ts",
    find: "    return this.#lastWrite;\n  }",
    replace: "    this.#lastWrite.catch(() => undefined);\n    return Promise.resolve();\n  }",
    test: "test/faults/kill-loop.test.ts",
  },
  {
    name: "a failed fdatasync is called again",
    file: writer,
    find: "        await file.sync();\n        if (this.#isFirst)",
    replace: "        await file.sync().catch(() => file.sync());\n        if (this.#isFirst)",
    test: "test/faults/system-calls.test.ts",
  },
  {
    name: "what was written is not read back",
    file: "src/adapters/file-system/node.ts",
    find: "  if (Buffer.compare(meant, there) === 0) return meant.length;",
    replace: "  if (there.length > 0) return meant.length;",
    test: "test/faults/system-calls.test.ts",
  },
  {
    name: "a failed write is taken for a finished one",
    file: writer,
    find: "      await writeWhole(file, bytes, start);",
    replace: "      await writeWhole(file, bytes, start).catch(() => undefined);",
    test: "test/faults/system-calls.test.ts",
  },
  {
    name: "no lock is taken",
    file: "src/adapters/stores/directory-lock.ts",
    find: 'database.exec("BEGIN EXCLUSIVE");',
    replace: 'database.exec("SELECT 1");',
    test: "test/scenarios/two-servers.test.ts",
  },
  {
    name: "what a full disk took of a write stays in the log",
    file: writer,
    find: "      await file.truncate(start);",
    replace: "",
    test: "test/faults/disk-full.test.ts",
  },
  {
    name: "any host name is let in",
    file: "src/surfaces/http/access/gate.ts",
    find: 'const name = hostName(headerOf(arrival, "host"));',
    replace: 'const name = "127.0.0.1";',
    test: "test/faults/attackers.test.ts",
  },
  {
    name: "a line is read without its crc being checked",
    file: "src/adapters/stores/sessions/files/line.ts",
    find: "if (crc !== null && hex(crc32(line.subarray(0, -sealBytes), seed)) !== crc) {",
    replace: "if (crc !== null && seed < 0) {",
    test: "test/faults/damaged-logs.test.ts",
  },
  {
    name: "a stream is written to however far its client is behind",
    file: "src/surfaces/http/stream/follow-log.ts",
    find: "    await stream.flushed();\n",
    replace: "",
    test: "test/faults/streams.test.ts",
  },
  {
    name: "a resumed stream gives the text of the running response from its beginning",
    file: "src/domain/stream/cursor.ts",
    find: "offset: Number(match[2])",
    replace: "offset: 0",
    test: "test/faults/streams.test.ts",
  },
  {
    name: "a response that was cut off counts as finished",
    file: "src/adapters/models/ai-sdk-stream.ts",
    find: "const reason = part.finishReason.unified;",
    replace: 'const reason = part.finishReason.unified === "interrupted" ? "stop" : part.finishReason.unified;',
    test: "test/faults/provider.test.ts",
  },
  {
    name: "a turn that a crash left open is not taken up",
    file: "src/runtime/sessions.ts",
    find: "registry.kick(await registry.get(summary.sessionId));",
    replace: "registry.wakeAt(summary.sessionId, null);",
    test: "test/scenarios/killed-while-streaming.test.ts",
  },
  {
    name: "a sender that hangs up stays attached",
    file: "src/surfaces/http/routes/messages.ts",
    find: "    hangUp.stop();\n    await attachment.leave();",
    replace: "    hangUp.stop();",
    test: "test/scenarios/hanging-up.test.ts",
  },
];
