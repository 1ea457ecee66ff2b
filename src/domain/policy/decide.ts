import type { PolicyReason, PolicyVerdict } from "../../ports/policy.ts";
import type { PolicyCall } from "../../ports/tool.ts";
import { decideCommandLine, namesCommandLine } from "./decide-command-line.ts";
import { appliesTo, matchesWhole, namesBuiltin, type PolicyPattern } from "./pattern.ts";
import type { PolicyRules } from "./rules.ts";
import type { ShellReader } from "./seen-commands.ts";
import { byMode, byPattern } from "./verdicts.ts";

/** A verdict, and of a command line what was decided about each of its commands. */
export type Explanation = {
  readonly verdict: PolicyVerdict;
  readonly commands: readonly { readonly command: string; readonly verdict: PolicyVerdict }[];
};

/** What the rules say about a call: a deny pattern first, then ask, then allow, then the mode. */
export function decide(rules: PolicyRules, call: PolicyCall, read: ShellReader): Explanation {
  if (call.type === "bash") return decideCommandLine(rules, call, read);
  const matching = (patterns: readonly PolicyPattern[]): PolicyPattern | undefined =>
    patterns.find((pattern) => namesCall(pattern, call, read));
  const denied = matching(rules.deny);
  if (denied !== undefined) return whole(byPattern("deny", denied));
  const asked = matching(rules.ask);
  if (asked !== undefined) return whole(byPattern("ask", asked));
  const allowed = matching(rules.allow);
  if (allowed === undefined) return whole(defaultFor(rules, call) ?? byMode(rules));
  return whole(changedSince(rules, call) ?? byPattern("allow", allowed));
}

const whole = (verdict: PolicyVerdict): Explanation => ({ verdict, commands: [] });

/** Whether a pattern speaks of a call; of a command line, of any command in it. `builtin:web` speaks of every action of `web`. */
export function namesCall(pattern: PolicyPattern, call: PolicyCall, read: ShellReader): boolean {
  if (call.type === "bash") return namesCommandLine(pattern, call, read);
  if (!appliesTo(pattern, call.type)) return false;
  return call.type === "builtin" ? namesBuiltin(pattern, call.text) : matchesWhole(pattern.text, call.text);
}

/** What holds as long as no file sets a mode: tools of our own that only read, and messages to the user, need no question. */
function defaultFor(rules: PolicyRules, call: PolicyCall): PolicyVerdict | null {
  if (rules.mode !== null || call.type !== "builtin") return null;
  const isMessage = call.text.toLowerCase() === "notify_user";
  if (call.effect !== "pure" && !isMessage) return null;
  const text = isMessage ? "messages to the user are allowed by default" : "it only reads, which is allowed by default";
  return { policy: "allow", reason: { rule: "default", text } };
}

/** A tool of an MCP server that is not what it was when it was approved. */
function changedSince(rules: PolicyRules, call: PolicyCall): PolicyVerdict | null {
  const approved = rules.fingerprints.get(call.text);
  if (call.fingerprint === undefined || approved === undefined || approved === call.fingerprint) return null;
  const reason: PolicyReason = {
    rule: "changed",
    text: `the server describes ${call.text} differently than when it was approved; look at it again`,
  };
  return { policy: "ask", reason };
}
