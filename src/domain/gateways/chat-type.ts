/** The two kinds of chats that rules know. */
export type ChatType = "dm" | "group";

/** What a platform's `chat_type` means. What is not known is a group: there more rules hold. */
export function chatTypeOf(written: string): ChatType {
  const name = written.toLowerCase();
  return name === "dm" || name === "private" ? "dm" : "group";
}
