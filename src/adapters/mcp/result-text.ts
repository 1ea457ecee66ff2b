import type { CallToolResult } from "@modelcontextprotocol/client";

/** How much of a result is kept. */
const resultCharactersMax = 1024 * 1024;
const contentItemsMax = 1_000;

/** What a tool answered, as text: pictures and sound by type and size, structured content where no text says the same. */
export function resultText(result: CallToolResult): string {
  const items = result.content.slice(0, contentItemsMax).map(itemText);
  const hasText = result.content.some((item) => item.type === "text" && item.text !== "");
  if (result.structuredContent !== undefined && !hasText) items.push(JSON.stringify(result.structuredContent, null, 2));
  if (result.content.length > contentItemsMax)
    items.push(`[${result.content.length - contentItemsMax} more parts were left out.]`);
  const text = items.join("\n");
  if (text.length <= resultCharactersMax) return text === "" ? "(The tool answered nothing.)" : text;
  return `${text.slice(0, resultCharactersMax)}\n[Cut: the first ${resultCharactersMax} of ${text.length} characters.]`;
}

function itemText(item: CallToolResult["content"][number]): string {
  switch (item.type) {
    case "text":
      return item.text;
    case "image":
    case "audio":
      return `[${item.type}: ${item.mimeType}, ${bytesOf(item.data)} bytes, not shown]`;
    case "resource_link":
      return `[resource: ${item.uri}${item.name === "" ? "" : ` (${item.name})`}]`;
    case "resource":
      return "text" in item.resource
        ? `[resource: ${item.resource.uri}]\n${item.resource.text}`
        : `[resource: ${item.resource.uri}, ${item.resource.mimeType ?? "unknown type"}, ${bytesOf(item.resource.blob)} bytes, not shown]`;
    default:
      return "[content of a kind that is not known here]";
  }
}

const bytesOf = (base64: string): number => Math.floor((base64.length * 3) / 4);
