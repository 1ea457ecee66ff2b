import { MemoryChatIndex } from "../../../../src/adapters/stores/chats/memory.ts";
import type { SeenRows } from "../../../../src/adapters/stores/chats/seen-rows.ts";
import { testChatIndex } from "../../../suites/chat-index.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

testChatIndex("memory", () => {
  const clock = new ManualClock();
  const rows = new Map<string, SeenRows>();
  return { clock, open: async () => new MemoryChatIndex({ clock, rows }) };
});
