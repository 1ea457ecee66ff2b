import { terminalCommand, terminalLine } from "../terminal-text.ts";

/** UTF-16 units of a command that a message shows, so that the whole fits any platform's message. */
const commandLengthMax = 3_000;
const fence = "```";

/** What asks in a chat whether a call may run. `answerWithinMs`: it is denied when nobody has answered by then. */
export function promptText(toolName: string, command: string, answerWithinMs: number | null): string {
  const until = answerWithinMs === null ? "" : `\n\nWithout an answer within ${spanText(answerWithinMs)} it is denied.`;
  return `${callText(toolName, command, "**Approval needed:**")}${until}`;
}

/** The same message once the question is closed. */
export const closedPromptText = (toolName: string, command: string, outcome: string): string =>
  `${callText(toolName, command, "**Approval:**")}\n\n${outcome}`;

function callText(toolName: string, command: string, title: string): string {
  const { shown, leftOut } = shortened(terminalCommand(command));
  const note = leftOut === 0 ? "" : `\n(Shortened: ${leftOut} characters in its middle are left out.)`;
  return `${title} \`${toolName}\` wants to run\n${fence}\n${shown}\n${fence}${note}`;
}

/** Both ends: what matters of a command may stand at either. */
function shortened(command: string): { shown: string; leftOut: number } {
  // They would end the block where a platform (Discord) knows no longer fence, and show the rest as the command's author likes.
  const text = command.replaceAll(/`{3,}/g, ({ length }) => `⟨${length} backticks⟩`);
  if (text.length <= commandLengthMax) return { shown: text, leftOut: 0 };
  const half = commandLengthMax / 2;
  const head = /[\ud800-\udbff]$/.test(text.slice(0, half)) ? half - 1 : half;
  const tail = /^[\udc00-\udfff]/.test(text.slice(-half)) ? half - 1 : half;
  const leftOut = text.length - head - tail;
  return { shown: `${text.slice(0, head)}\n[… ${leftOut} characters left out …]\n${text.slice(-tail)}`, leftOut };
}

function spanText(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1) return `${Math.max(1, Math.round(ms / 1000))} s`;
  if (minutes < 120) return `${minutes} min`;
  return `${Math.round(minutes / 60)} h`;
}

/** What somebody wrote, as one line of Markdown that shows it and nothing else. */
export const plainText = (text: string, lengthMax: number): string =>
  terminalLine(text, lengthMax).replaceAll(/[\\`*_~[\]<>|#@]/g, "\\$&");
