import { parseDay, type DayEntry } from "./day-file.ts";

/** What one agent sees of a day's file (one character a byte): its own entries, and those that are nobody's. */
export function entriesSeenBy(agent: string, file: string, agents: ReadonlySet<string>): DayEntry[] {
  return read(agent, file, agents).filter((entry) => entry.agent === undefined || entry.agent === agent);
}

/** The file without the entries that this agent does not see. */
export function fileSeenBy(agent: string, file: string, agents: ReadonlySet<string>): string {
  const lines = file.split("\n");
  const hidden = read(agent, file, agents).filter((entry) => entry.agent !== undefined && entry.agent !== agent);
  for (const { first, last } of hidden.toReversed()) lines.splice(first, last - first + 1);
  return lines.join("\n");
}

/** Entries with their owners. Words in parentheses that begin a human's line are an owner only where there is such an agent. */
function read(agent: string, file: string, agents: ReadonlySet<string>): DayEntry[] {
  const entries = parseDay(file);
  const writers = new Set(entries.flatMap((entry) => (entry.marks && entry.agent !== undefined ? [entry.agent] : [])));
  return entries.map((entry) => {
    const { agent: owner } = entry;
    if (owner === undefined || entry.marks || owner === agent || agents.has(owner) || writers.has(owner)) return entry;
    return { ...entry, agent: undefined, content: `(${owner}) ${entry.content}` };
  });
}
