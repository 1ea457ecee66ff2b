import { terminalText } from "../../../domain/terminal-text.ts";
import type { MemoryListBody } from "../../../schema/api/memory.ts";
import type { Paint } from "../paint.ts";

export type ShownMemory = MemoryListBody["memories"][number];

/** Where it was found: a day and what it is, a topic, or MEMORY.md. */
function placeOf({ kind, day, topic }: ShownMemory): string {
  if (kind === "memory") return "MEMORY.md";
  return kind === "world" ? `world/${topic ?? ""}` : `${day ?? ""} ${kind}`;
}

/** What an agent remembers, each with its place above it. */
export function memoryLines(memories: readonly ShownMemory[], paint: Paint): string {
  if (memories.length === 0) return "Nothing was found.";
  return memories
    .map((memory) => {
      const text = terminalText(memory.content).replaceAll("\n", "\n  ");
      return `${paint("bold", terminalText(placeOf(memory)))}\n  ${text}`;
    })
    .join("\n");
}
