import type { Mutant } from "../mutant.ts";

const needed = "test/domain/session/needed-events.test.ts";
const kept = "test/runtime/kept-events.test.ts";
const memory = "test/runtime/memory.test.ts";
const neededEvents = "src/domain/session/needed-events.ts";
const keptEvents = "src/runtime/kept-events.ts";

/** Faults put into what a session keeps in memory, and how long; each must turn its test red. */
export const keptInMemoryMutants: readonly Mutant[] = [
  {
    name: "what a queue dropped stays in memory while the turn is open",
    file: neededEvents,
    find: "return !dropped.has(event.message_id);",
    replace: "return true;",
    test: needed,
  },
  {
    name: "what the next turn is shown of a group is let go of",
    file: neededEvents,
    find: "  shown(overheardFrom);\n",
    replace: "",
    test: needed,
  },
  {
    name: "what is heard before a request is let go of",
    file: neededEvents,
    find: "    found.push(...heardMessages(passive));\n",
    replace: "",
    test: needed,
  },
  {
    name: "a reader is not told that events before its place were let go of",
    file: keptEvents,
    find: "this.wholeFrom = this.all[whole]?.seq ?? this.wholeFrom;",
    replace: "",
    test: kept,
  },
  {
    name: "events are let go of although a reader is about to ask for them",
    file: keptEvents,
    find: "const first = Math.max(0, this.durableCount - wholeEvents);",
    replace: "const first = this.durableCount - 1;",
    test: kept,
  },
  {
    name: "memory is let go of only after many events, however large",
    file: "src/runtime/session-registry.ts",
    find: " || kept.newBytes >= snapshotEvery.bytes",
    replace: "",
    test: memory,
  },
  {
    name: "what is not needed stays in memory as long as the turn is open",
    file: "src/runtime/session-snapshot.ts",
    find: "  kept.thin(neededEvents(kept.durable(), overheardFrom(session)));\n",
    replace: "",
    test: memory,
  },
  {
    name: "sessions that nobody uses stay open for ten minutes, however many",
    file: "src/runtime/idle-sessions.ts",
    find: "    if (excess <= 0) return;\n    for",
    replace: "    if (excess !== 0) return;\n    for",
    test: memory,
  },
  {
    name: "a session that is being closed is closed once more",
    file: "src/runtime/idle-sessions.ts",
    find: "filter((session) => isIdle(session) && !this.closing.has(session))",
    replace: "filter((session) => isIdle(session))",
    test: memory,
  },
  {
    name: "a session is closed while its last events are on their way",
    file: "src/runtime/idle-sessions.ts",
    find: "(log.failure !== null || log.tail.seq === log.durable.seq)",
    replace: "log.tail.seq > 0",
    test: memory,
  },
  {
    name: "the young generation grows as V8 likes",
    file: "src/adapters/bound-heap.ts",
    find: "isYoungFull ? 1 : defaultFactor",
    replace: "defaultFactor",
    test: "test/adapters/bound-heap.test.ts",
  },
];
