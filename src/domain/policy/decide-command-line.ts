import type { PolicyVerdict } from "../../ports/policy.ts";
import type { PolicyCall } from "../../ports/tool.ts";
import type { Explanation } from "./decide.ts";
import { allowsCommand, namesCommand, namesLine, type Certainty } from "./match-shell.ts";
import { appliesTo, namesBuiltin, type PolicyPattern } from "./pattern.ts";
import { plainCommands, type PlainCommand } from "./plain-commands.ts";
import { refusal } from "./refused-commands.ts";
import type { PolicyRules } from "./rules.ts";
import { everyCommand, type SeenCommand, type ShellReader } from "./seen-commands.ts";
import { byMode, byPattern } from "./verdicts.ts";

type CommandLine = Pick<PolicyCall, "text" | "builtin">;

/** Of a command, where a sentence names it. UTF-16 units. */
const shownMax = 80;

/** Denied or asked about for any command anywhere in it; allowed only if each of its commands is, and it is nothing but commands. */
export function decideCommandLine(rules: PolicyRules, call: CommandLine, read: ShellReader): Explanation {
  const { text: line } = call;
  const seen = everyCommand(line, read);
  const plain = plainCommands(line);
  // Two readers that know nothing of each other must see the same: what runs is then what is matched.
  const agreed = plain !== null && areSame(plain, read(line)) ? plain : null;
  const commands = (agreed ?? []).map((command) => ({
    command: command.map(({ text }) => text).join(" "),
    verdict: forbidding(rules, call, [seenAs(command)]) ?? allowing(rules, command),
  }));
  const verdict = forbidding(rules, call, seen) ?? (agreed === null ? notPlain(rules) : together(rules, commands));
  return { verdict: read(line) === null ? withoutParse(verdict) : verdict, commands };
}

/** That nothing can be told from its text is the reason, and not the pattern or the mode that this made decide. */
function withoutParse({ policy, reason }: PolicyVerdict): PolicyVerdict {
  if (policy === "allow" || reason.rule === "deny" || reason.rule === "ask") return { policy, reason };
  const decided = policy === "ask" ? "asked about" : "denied";
  const text = `it can not be parsed as a command line (is a quote open?), so it is ${decided}`;
  return { policy, reason: { ...reason, rule: "unparsed", text } };
}

/** The first deny pattern that names a command, else the first ask pattern; `null`: none does. */
function forbidding(rules: PolicyRules, call: CommandLine, seen: readonly SeenCommand[] | null): PolicyVerdict | null {
  const found = (patterns: readonly PolicyPattern[], certainty: Certainty): PolicyPattern | undefined =>
    patterns.find((pattern) => named(pattern, call, seen) === certainty);
  const denied = found(rules.deny, "yes");
  if (denied !== undefined) return byPattern("deny", denied);
  const doubtful = found(rules.deny, "maybe");
  if (doubtful !== undefined) {
    const policy = rules.mode?.mode === "restrict" ? "deny" : "ask";
    const { written, file, line: at } = doubtful;
    const text = `what it runs can not be told from its text, and ${JSON.stringify(written)} is denied, ${file}:${at}`;
    return { policy, reason: { rule: "unparsed", pattern: written, file, line: at, text } };
  }
  const asked = found(rules.ask, "yes") ?? found(rules.ask, "maybe");
  return asked === undefined ? null : byPattern("ask", asked);
}

/** Whether a pattern surely names a command of a line. */
export function namesCommandLine(pattern: PolicyPattern, call: CommandLine, read: ShellReader): boolean {
  return named(pattern, call, everyCommand(call.text, read)) === "yes";
}

function named(
  pattern: PolicyPattern,
  { text: line, builtin = "bash" }: CommandLine,
  seen: readonly SeenCommand[] | null,
): Certainty {
  // Whoever writes builtin:bash means the tool; and what is denied there can not be had by another tool.
  if (pattern.type === "builtin") return [builtin, "bash"].some((name) => namesBuiltin(pattern, name)) ? "yes" : "no";
  // `bash` without a type is a command; the name of no other tool is.
  if (pattern.type === "*" && builtin !== "bash" && namesBuiltin(pattern, builtin)) return "yes";
  if (!appliesTo(pattern, "bash")) return "no";
  if (namesLine(pattern, line)) return "yes";
  // `bash:*` names every command line, also one that can not be read.
  if (seen === null) return namesCommand(pattern, { words: [], open: true, fed: [] });
  const answers = seen.map((command) => namesCommand(pattern, command));
  return answers.find((answer) => answer === "yes") ?? answers.find((answer) => answer === "maybe") ?? "no";
}

function allowing(rules: PolicyRules, command: PlainCommand): PolicyVerdict {
  const pattern = rules.allow.find((one) => allowsCommand(one, command));
  if (pattern === undefined) return byMode(rules);
  const refused = refusal(command);
  return refused === null ? byPattern("allow", pattern) : byMode(rules, `${refused}, which no pattern allows`);
}

const notPlain = (rules: PolicyRules): PolicyVerdict =>
  byMode(rules, "it is more than plain words, quotes and |, &&, ||, ; so no pattern allows it");

/** The strictest of all; where all are allowed, by the first. */
function together(rules: PolicyRules, commands: Explanation["commands"]): PolicyVerdict {
  const [first] = commands;
  const stopped =
    commands.find(({ verdict }) => verdict.policy === "deny") ??
    commands.find(({ verdict }) => verdict.policy === "ask");
  if (stopped === undefined || commands.length === 1) return (stopped ?? first)?.verdict ?? notPlain(rules);
  const { policy, reason } = stopped.verdict;
  const name = stopped.command.length > shownMax ? `${stopped.command.slice(0, shownMax)}…` : stopped.command;
  return { policy, reason: { ...reason, text: `${name}: ${reason.text}` } };
}

const areSame = (plain: readonly PlainCommand[], seen: readonly SeenCommand[] | null): boolean =>
  plain.length === seen?.length && plain.every((command, index) => isSame(command, seen[index]?.words ?? []));

function isSame(command: PlainCommand, words: SeenCommand["words"]): boolean {
  return (
    command.length === words.length &&
    command.every(({ text, fixed }, index) => words[index] === text || (!fixed && words[index] === null))
  );
}

const seenAs = (command: PlainCommand): SeenCommand => ({
  words: command.map(({ text, fixed }) => (fixed ? text : null)),
  open: false,
  fed: [],
});
