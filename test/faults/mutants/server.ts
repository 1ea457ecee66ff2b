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
];
