import { z } from "zod";

import type { MemoryEntry } from "../../ports/memory-store.ts";
import type { Tool, ToolContext } from "../../ports/tool.ts";
import { notedKinds } from "../../schema/api/memory.ts";
import type { ToolResult } from "../../schema/session-event.ts";
import { strictObject } from "../../schema/strict-object.ts";
import { defineTool, okResult } from "./define-tool.ts";
import type { ToolParts } from "./parts.ts";

const dayMs = 86_400_000;
const daysDefault = 3;
/** Of each part of a recall, so that all three fit into what the model is shown of a result. */
const partBytesMax = 10_000;
const resultBytesMax = 256 * 1024;
const foundMax = 20;
const entriesMax = 1_000;

const argumentsSchema = z.discriminatedUnion("action", [
  strictObject({
    action: z.literal("recall"),
    days: z.int().min(0).max(365).optional().describe("recall: how many days back, today included"),
  }),
  strictObject({
    action: z.literal("remember"),
    content: z.string().min(1).describe("remember, update_world: the text; reflect: the whole new MEMORY.md"),
    kind: z.enum(notedKinds).optional().describe("remember: what it is; a note without it"),
  }),
  strictObject({ action: z.literal("reflect"), content: z.string().min(1).optional() }),
  strictObject({
    action: z.literal("update_world"),
    topic: z.string().min(1).describe("update_world: a short name, e.g. deployment"),
    content: z.string().min(1),
  }),
  strictObject({
    action: z.literal("search"),
    query: z.string().min(1).max(500).describe("search: words that must all occur"),
  }),
]);
type Given = z.infer<typeof argumentsSchema>;

const description = `What you remember beyond this conversation. recall: what is true for all agents (world), your MEMORY.md, and what was noted in the last days; look there before you say that you do not know. remember: note one thing of today, a decision, preference, fact or note. reflect: read your MEMORY.md, or replace it with content. update_world: replace what is known about a topic, for all agents. search: find words in all of it.`;

/** Long-term memory of an agent. */
export function memoryTool({ agent, memory, clock }: Pick<ToolParts, "agent" | "memory" | "clock">): Tool {
  const recallDays = agent.definition.spec.memory?.recall_days ?? daysDefault;
  const { name } = agent;
  const query = (kinds: readonly MemoryEntry["kind"][], more: { text?: string; since?: string; limit?: number } = {}) =>
    memory.query(name, { kinds, limit: entriesMax, ...more });

  async function recall(days: number): Promise<ToolResult> {
    const since = new Date(clock.now() - (days - 1) * dayMs).toISOString().slice(0, 10);
    const [world, kept, recent] = await Promise.all([
      query(["world"]),
      query(["memory"]),
      days === 0 ? [] : query(notedKinds, { since }),
    ]);
    const parts = [
      part("World Knowledge", world, (entry) => `## ${entry.topic ?? ""}\n\n${entry.content}`, "\n\n"),
      part("Your Memory", kept, (entry) => entry.content, "\n\n"),
      part("Recent Experiences", recent, line, "\n"),
    ].filter((text) => text !== "");
    return okResult(parts.length === 0 ? "No memories found." : parts.join("\n\n---\n\n"));
  }

  async function reflect(content: string | undefined, key: Key): Promise<ToolResult> {
    if (content !== undefined) {
      await memory.put(name, { kind: "memory", content, ...key });
      return okResult("MEMORY.md was replaced.");
    }
    const [kept] = await query(["memory"], { limit: 1 });
    if (!kept) return okResult("MEMORY.md is empty.");
    return okResult(cut(kept.content, resultBytesMax));
  }

  async function perform(given: Given, context: ToolContext): Promise<ToolResult> {
    const key = { at: clock.now(), idempotencyKey: context.idempotencyKey };
    switch (given.action) {
      case "recall":
        return recall(given.days ?? recallDays);
      case "reflect":
        return reflect(given.content, key);
      case "remember":
        await memory.put(name, { kind: given.kind ?? "note", content: given.content, ...key });
        return okResult("Remembered.");
      case "update_world":
        await memory.put(name, { kind: "world", topic: given.topic, content: given.content, ...key });
        return okResult(`What all agents know about ${given.topic} was replaced.`);
      case "search": {
        const found = await memory.query(name, { text: given.query, limit: foundMax + 1 });
        if (found.length === 0) return okResult("Nothing was found.");
        const more = found.length > foundMax ? "\n\n[there is more: search for more words]" : "";
        return okResult(`${lines(found.slice(0, foundMax), line, "\n").text}${more}`);
      }
    }
  }

  return defineTool({
    name: "memory",
    description,
    arguments: argumentsSchema,
    effect: "idempotent",
    effectOf: (given) =>
      given.action === "recall" || given.action === "search" || (given.action === "reflect" && !given.content)
        ? "pure"
        : "idempotent",
    run: perform,
  });
}

type Key = { at: number; idempotencyKey: string };
type Show = (entry: MemoryEntry) => string;

function line({ kind, topic, day, content }: MemoryEntry): string {
  const where = kind === "world" ? `world, ${topic ?? ""}` : kind === "memory" ? "MEMORY.md" : `${day ?? ""}, ${kind}`;
  return `- ${where}: ${content.replaceAll("\n", "\n  ")}`;
}

function part(title: string, entries: readonly MemoryEntry[], show: Show, between: string): string {
  if (entries.length === 0) return "";
  const { text, left } = lines(entries, show, between);
  return `# ${title}\n\n${text}${left > 0 ? `\n\n[${left} older or further ones were left out: use search]` : ""}`;
}

/** As many entries as fit, and how many do not; what alone is too long is cut. */
function lines(entries: readonly MemoryEntry[], show: Show, between: string): { text: string; left: number } {
  const taken: string[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const text = cut(show(entry), partBytesMax);
    bytes += Buffer.byteLength(text) + between.length;
    if (taken.length > 0 && bytes > partBytesMax) break;
    taken.push(text);
  }
  return { text: taken.join(between), left: entries.length - taken.length };
}

/** Cut between characters. */
function cut(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= bytesMax) return text;
  const kept = new TextDecoder().decode(bytes.subarray(0, bytesMax), { stream: true });
  return `${kept}\n[cut: ${bytes.length - bytesMax} more bytes]`;
}
