import type { Sessions, SessionView } from "../../runtime/runtime.ts";

type Message = Awaited<ReturnType<Sessions["messages"]>>[number];

/** A conversation for people to read: a heading for each message, its text as it stands. */
export function markdownTranscript(view: SessionView, messages: readonly Message[]): string {
  const head = `# ${oneLine(view.title ?? view.sessionId)}\n\n- session: ${view.sessionId}\n- agent: ${view.agent}\n- created: ${view.createdAt}\n`;
  const parts = messages.map((message) => {
    const who = message.role === "assistant" ? view.agent : oneLine(message.sender_name ?? "user");
    return `\n## ${who}, ${message.timestamp}\n\n${message.content.trimEnd()}\n`;
  });
  return head + parts.join("");
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}
