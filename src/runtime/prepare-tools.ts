import type { LivingSession } from "./living-session.ts";
import type { RuntimeParts, ToolSet } from "./parts.ts";

/** Watchers are told of a look for tools that takes longer. */
const toldAfterMs = 300;
/** More of them are not told apart from each other by anybody; the log has them all. */
const problemsMax = 20;
const problemLengthMax = 500;

/** Brings the session's tools up to date; who watches is told what that waits for, and what is wrong with them afterwards. */
export async function prepareTools(session: LivingSession, { clock }: RuntimeParts): Promise<void> {
  const tools = session.inForce?.tools;
  if (!tools) return;
  let hasWaited = false;
  const disarm = clock.after(toldAfterMs, () => {
    hasWaited = true;
    session.tellNow({ reason: tools.waitsFor() });
  });
  try {
    await tools.prepare();
  } finally {
    disarm();
  }
  // Once more without the reason: it no longer waits.
  if (hasWaited || session.hasUntoldProblems) session.tellNow();
}

/** What is wrong with tools, as it may be shown: free of secrets, at most 20, of about 500 characters each. */
export function shownProblems(tools: ToolSet | undefined, redact: RuntimeParts["redact"]): string[] {
  const problems = tools?.problems() ?? [];
  // Cut after secrets were taken out, as half of one would not be found.
  const shown = problems.slice(0, problemsMax).map((problem) => shortened(redact(problem)));
  const left = problems.length - shown.length;
  return left > 0 ? [...shown, `${left} more; the server's log has them all`] : shown;
}

const shortened = (text: string): string =>
  text.length > problemLengthMax ? `${text.slice(0, problemLengthMax)}…` : text;
