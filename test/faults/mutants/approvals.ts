import type { Mutant } from "../mutant.ts";

const approvals = "test/runtime/approvals.test.ts";
const canary = "test/scenarios/canary-secrets.test.ts";
const sends = "test/runtime/channel-sends.test.ts";

/** Faults put into how calls are asked about, announced, answered and kept free of secrets; each must turn its test red. */
export const approvalMutants: readonly Mutant[] = [
  {
    name: "what was allowed runs although policy forbids it by now",
    file: "src/domain/session/next-turn-step.ts",
    find: 'if (facts.policy === "deny")',
    replace: 'if (first.status === "waiting" && facts.policy === "deny")',
    test: "test/domain/session/turn.test.ts",
  },
  {
    name: "a question shows a tool's name without what it was given",
    file: "src/surfaces/cli/output/transcript.ts",
    find: "terminalCommand(about)",
    replace: "terminalCommand(command)",
    test: "test/surfaces/cli/transcript.test.ts",
  },
  {
    name: "an answer is taken for another command than was shown",
    file: "src/domain/session/accept.ts",
    find: "command.command !== undefined && command.command !== pending.question.command",
    replace: "false",
    test: approvals,
  },
  {
    name: "an approval fails because it can not be kept for later",
    file: "src/runtime/session-commands.ts",
    find: "    return reason;",
    replace: "    throw error;",
    test: approvals,
  },
  {
    name: "a question shows the name of the tool alone",
    file: "src/runtime/living-session.ts",
    find: "return shownCall(redact(described), redact(call), digest);",
    replace: "return described.text;",
    test: "test/runtime/approvals.test.ts",
  },
  {
    name: "always is kept of a call that is denied by now",
    file: "src/adapters/policy/file-policies.ts",
    find: 'if (policy === "deny") throw',
    replace: 'if (reason.rule === "default") throw',
    test: "test/scenarios/approval.test.ts",
  },
  {
    name: "a question is announced although somebody sees it",
    file: "src/domain/session/next-turn-step.ts",
    find: "announceTo: attached || inChat ? null : limits.announceTo",
    replace: "announceTo: inChat ? null : limits.announceTo",
    test: sends,
  },
  {
    name: "a question is asked before it is announced",
    file: "src/runtime/question-events.ts",
    find: "return [announcement(state, step, step.announceTo, base, asking), question];",
    replace: "return [question, announcement(state, step, step.announceTo, base, asking)];",
    test: sends,
  },
  {
    name: "a question that was answered is announced",
    file: "src/runtime/channel-sends.ts",
    find: "return !pending || !send.request_id.endsWith(pending.question.approvalId);",
    replace: "return false;",
    test: sends,
  },
  {
    name: "a repeated call notifies again",
    file: "src/runtime/tool-session.ts",
    find: "        if (isSent) return [];\n",
    replace: "",
    test: sends,
  },
  {
    name: "a message overtakes one of its channel that is tried again",
    file: "src/runtime/outbox.ts",
    find: "for (let next = lane.queue[0]; next && !this.stopping.signal.aborted; next = lane.queue[0]) {",
    replace: "for (let next = lane.queue.at(-1); next && !this.stopping.signal.aborted; next = lane.queue.at(-1)) {",
    test: sends,
  },
  {
    name: "a redirect of a webhook is followed",
    file: "src/adapters/notify/webhook.ts",
    find: 'redirect: "manual"',
    replace: 'redirect: "follow"',
    test: "test/adapters/notify/webhook.test.ts",
  },
  {
    name: "a long result is cut before secrets are taken out",
    file: "src/app/bounded-tool.ts",
    find: "Buffer.from(parts.redact(result.content))",
    replace: "Buffer.from(result.content)",
    test: "test/app/bounded-tool.test.ts",
  },
  {
    name: "secrets stay in what is stored",
    file: "src/app/build-runtime.ts",
    find: "redact: (value) => inForce.redaction.redactor.value(value),",
    replace: "redact: (value) => value,",
    test: canary,
  },
  {
    name: "secrets stay in artifacts",
    file: "src/app/build-runtime.ts",
    find: "redactBytes: () => inForce.redaction.redactor.byteStream(),",
    replace: "",
    test: canary,
  },
];
