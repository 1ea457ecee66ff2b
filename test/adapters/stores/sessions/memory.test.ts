import { MemoryRecords, MemorySessionStore } from "../../../../src/adapters/stores/sessions/memory.ts";
import { testSessionStore } from "../../../suites/session-store.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

testSessionStore("memory", () => {
  const clock = new ManualClock();
  const records = new MemoryRecords();
  return { clock, open: async () => new MemorySessionStore({ clock, records }) };
});
