import type { Mutant } from "../mutant.ts";

const files = "test/adapters/stores/memory/files.test.ts";
const powerCut = "test/adapters/stores/memory/power-cut.test.ts";
const editFile = "src/adapters/stores/memory/edit-file.ts";
const dayFile = "src/adapters/stores/memory/day-file.ts";
const notes = "test/runtime/working-notes.test.ts";

/** Faults put into memory, working notes and hooks; each must turn its test red. */
export const memoryMutants: readonly Mutant[] = [
  {
    name: "a human's edit of a memory file is written over",
    file: editFile,
    find: "    if (!same(before, await readIfThere(fs, path))) return false;\n",
    replace: "",
    test: files,
  },
  {
    name: "memory is acknowledged before its folder is synced",
    file: editFile,
    find: "  await fs.syncFolder(dirname(path));\n  return true;",
    replace: "  return true;",
    test: powerCut,
  },
  {
    name: "memory is written in place",
    file: editFile,
    find: "    await fs.rename(temporary, path);",
    replace: "    await fs.remove(path);\n    await appendBytes(fs, path, after);",
    test: powerCut,
  },
  {
    name: "remember forgets its key",
    file: "src/adapters/stores/memory/files.ts",
    find: "const marks = mark === undefined ? [] : [mark];",
    replace: "const marks: string[] = [];",
    test: files,
  },
  {
    name: "remember forgets its key at midnight",
    file: "src/adapters/stores/memory/files.ts",
    find: "if (other === day || other < since) continue;",
    replace: "if (other !== day) continue;",
    test: files,
  },
  {
    name: "a repeated replacement undoes the one after it",
    file: "src/adapters/stores/memory/kept-file.ts",
    find: "[...before.marks, ...(mark",
    replace: "[...(mark",
    test: files,
  },
  {
    name: "lines of an entry can be headings of the file",
    file: dayFile,
    find: '(line === "" ? "" : `  ${line}`)',
    replace: "line",
    test: files,
  },
  {
    name: "a human's file is read as UTF-8 and written back",
    file: "src/adapters/stores/memory/files.ts",
    find: 'const before = Buffer.from(bytes).toString("latin1");',
    replace: 'const before = bytesOf(Buffer.from(bytes).toString("utf8"));',
    test: files,
  },
  {
    name: "an agent sees the entries of all",
    file: "src/adapters/stores/memory/day-view.ts",
    find: "return read(agent, file, agents).filter((entry) => entry.agent === undefined || entry.agent === agent);",
    replace: "return read(agent, file, agents);",
    test: files,
  },
  {
    name: "links lead out of an agent's old memory",
    file: "src/adapters/stores/memory/rust-memory.ts",
    find: "return target.startsWith(home + sep) ? target : null;",
    replace: "return target.length > sep.length ? target : null;",
    test: files,
  },
  {
    name: "changes of memory pass each other",
    file: "src/adapters/stores/memory/files.ts",
    find: "this.#last.then(change)",
    replace: "change()",
    test: files,
  },
  {
    name: "a turn forgets its notes",
    file: "src/domain/session/evolve.ts",
    find: "...(event.notes === undefined ? {} : { notes: event.notes }),",
    replace: 'notes: event.notes ?? "",',
    test: notes,
  },
  {
    name: "notes that hold a secret look changed at every turn",
    file: "src/runtime/agent-in-force.ts",
    find: 'parts.redact((await parts.notesOf?.(session.id)) ?? "")',
    replace: '(await parts.notesOf?.(session.id)) ?? ""',
    test: notes,
  },
  {
    name: "a session writes to those of another agent",
    file: "src/runtime/agent-sessions.ts",
    find: "if (target.agent !== agent) throw",
    replace: "if (target.agent === undefined) throw",
    test: "test/runtime/agent-sessions.test.ts",
  },
  {
    name: "messages to siblings are not counted",
    file: "src/runtime/agent-sessions.ts",
    find: "      if (!isRepeated) sent.set(from, [...recent, { at: clock.now(), key: idempotencyKey }]);\n      const target",
    replace: "      const target",
    test: "test/runtime/agent-sessions.test.ts",
  },
  {
    name: "a guard takes calls of earlier turns",
    file: "src/runtime/living-session.ts",
    find: "callsOfTurn(this.log.history, turn.startSeq)",
    replace: "callsOfTurn(this.log.history, 0)",
    test: "test/runtime/hooks.test.ts",
  },
  {
    name: "a guard takes calls that failed",
    file: "src/domain/hooks/guard.ts",
    find: "          result.success &&\n",
    replace: "",
    test: "test/domain/hooks/hooks.test.ts",
  },
];
