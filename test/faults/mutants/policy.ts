import type { Mutant } from "../mutant.ts";

const files = "test/adapters/policy/file-policies.test.ts";
const notices = "test/adapters/policy/policy-notices.test.ts";
const tables = "test/domain/policy/shell-tables.test.ts";
const rules = "test/domain/policy/decide.test.ts";
const deployed = "test/adapters/stores/agents/files.test.ts";

/** Faults put into what decides whether a tool may run; each must turn its test red. */
export const policyMutants: readonly Mutant[] = [
  {
    name: "a broken policy file is as good as none",
    file: "src/adapters/policy/file-policies.ts",
    find: "return problem === undefined ?",
    replace: "return problem !== null ?",
    test: files,
  },
  {
    name: "an edit of a policy file goes unseen",
    file: "src/adapters/policy/policy-file.ts",
    find: "if (this.#bytes === null || !this.#bytes.equals(bytes))",
    replace: "if (this.#bytes === null || this.#bytes.length !== bytes.length)",
    test: files,
  },
  {
    name: "a policy file may be a link to anywhere",
    file: "src/adapters/policy/policy-file.ts",
    find: "if (!target.startsWith(realpathSync(dirname(path)) + sep))",
    replace: "if (target === sep)",
    test: files,
  },
  {
    name: "an agent's folder that is gone for a moment has no policy",
    file: "src/adapters/policy/file-policies.ts",
    find: "(this.#inFolder.length === 0 || existsSync(dirname(first.path)))",
    replace: "first !== null",
    test: files,
  },
  {
    name: "a definition of a request may loosen the policy",
    file: "src/domain/policy/rules.ts",
    find: "    allow: [],\n    notify",
    replace: "    notify",
    test: rules,
  },
  {
    name: "always allow is not synced to the disk as a whole",
    file: "src/adapters/policy/local-policy.ts",
    find: "await fs.replace(path,",
    replace: 'await (await import("node:fs/promises")).appendFile(path,',
    test: files,
  },
  {
    name: "a background process is had although its tool is denied",
    file: "src/domain/policy/decide-command-line.ts",
    find: '[builtin, "bash"].some(',
    replace: '["bash"].some(',
    test: rules,
  },
  {
    name: "an MCP tool that has changed runs as before",
    file: "src/domain/policy/decide.ts",
    find: "changedSince(rules, call) ?? byPattern",
    replace: "byPattern",
    test: rules,
  },
  {
    name: "a redirection to a file is allowed",
    file: "src/domain/policy/plain-commands.ts",
    find: String.raw`|[12]?>>?[ \t]*\/dev\/null|`,
    replace: String.raw`|[12]?>>?[ \t]*[\w./]+|`,
    test: tables,
  },
  {
    name: "a command substitution in quotes is allowed",
    file: "src/domain/policy/plain-commands.ts",
    find: '(?:[^"\\\\$`]|\\\\[^\\n])*")+(',
    replace: '(?:[^"\\\\]|\\\\[^\\n])*")+(',
    test: tables,
  },
  {
    name: "only the first command of a line is looked at",
    file: "src/domain/policy/decide-command-line.ts",
    find: "(agreed ?? []).map(",
    replace: "(agreed ?? []).slice(0, 1).map(",
    test: tables,
  },
  {
    name: "a prefix is a prefix by letters",
    file: "src/domain/policy/match-shell.ts",
    find: "given.fixed && matchesExactly(word, given.text)",
    replace: "given.fixed && given.text.startsWith(word)",
    test: tables,
  },
  {
    name: "find may run programs",
    file: "src/domain/policy/refused-commands.ts",
    find: "  find: /^-(?:exec|ok|delete|fprint|fls)/,\n",
    replace: "",
    test: tables,
  },
  {
    name: "the words after sudo are not looked at when something is denied",
    file: "src/domain/policy/seen-commands.ts",
    find: "return !wrappers.has(name) || visitWrapped(",
    replace: "return wrappers.has(name) || !wrappers.has(name) || visitWrapped(",
    test: tables,
  },
  {
    name: "what can not be read is not held against a deny pattern",
    file: "src/domain/policy/decide-command-line.ts",
    find: 'const doubtful = found(rules.deny, "maybe");',
    replace: "const doubtful: PolicyPattern | undefined = undefined as PolicyPattern | undefined;",
    test: tables,
  },
  {
    name: "what bash expands twice is read once",
    file: "src/adapters/policy/hidden-expansions.ts",
    find: 'node.operator === ">&" &&',
    replace: "node.end < 0 &&",
    test: tables,
  },
  {
    name: "quotes are taken to protect what is computed",
    file: "src/adapters/policy/hidden-expansions.ts",
    find: "if (quoting.test(text) && substitution.test(text))",
    replace: "if (text === quoting.source)",
    test: tables,
  },
  {
    name: "capitals get around a deny pattern",
    file: "src/domain/policy/pattern.ts",
    find: "matchesExactly(pattern.toLowerCase(), text.toLowerCase());",
    replace: "matchesExactly(pattern, text);",
    test: rules,
  },
  {
    name: "notices wait without a bound",
    file: "src/adapters/policy/policy-notices.ts",
    find: "if (this.#waiting.length < waitingMax)",
    replace: "if (this.#waiting.length >= 0)",
    test: notices,
  },
  {
    name: "deploying anew forgets what was allowed for always",
    file: "src/adapters/stores/agents/deployed.ts",
    find: "kept = await this.#keepLocalPolicy(await this.pathOf(name), fresh, null);",
    replace: "",
    test: deployed,
  },
  {
    name: "what was allowed for always while an agent is deployed is lost",
    file: "src/adapters/stores/agents/deployed.ts",
    find: "    await this.#keepLocalPolicy(aside, path, kept);\n",
    replace: "",
    test: deployed,
  },
];
