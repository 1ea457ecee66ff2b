import type { ApprovalChoice } from "../../schema/session-event.ts";

const form = /^(yes|always|no)[.!]?$/i;
const meanings: Readonly<Record<string, ApprovalChoice>> = { yes: "allow_once", always: "allow_always", no: "deny" };

/** The answer to a question, where there are no buttons for it: the whole message is one word. */
export function answerWord(text: string): ApprovalChoice | undefined {
  return meanings[form.exec(text.trim())?.[1]?.toLowerCase() ?? ""];
}
