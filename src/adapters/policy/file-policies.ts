import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

import { alwaysPatterns } from "../../domain/policy/always-patterns.ts";
import { decide, namesCall, type Explanation } from "../../domain/policy/decide.ts";
import { localPolicyName, policyFileName } from "../../domain/policy/file-names.ts";
import { mergeTiers, onlyTightening, type PolicyRules } from "../../domain/policy/rules.ts";
import type { Clock } from "../../ports/clock.ts";
import type { FileSystem } from "../../ports/file-system.ts";
import type { AgentPolicy, PolicyProblem, PolicySource } from "../../ports/policy.ts";
import type { Log } from "../../ports/telemetry.ts";
import type { PolicyCall } from "../../ports/tool.ts";
import { DuragentError } from "../../schema/problem.ts";
import { addToLocalPolicy, type LocalAddition } from "./local-policy.ts";
import { parsePolicy, PolicyFileOnDisk, type PolicyFileState } from "./policy-file.ts";
import { BrokenFiles, placed } from "./broken-files.ts";
import { PolicyNotices } from "./policy-notices.ts";
import { readShell } from "./read-shell.ts";

export type FilePoliciesOptions = {
  /** policy.yaml of the workspace; absolute. It may be missing. */
  readonly workspaceFile: string;
  readonly fileSystem: FileSystem;
  readonly log: Log;
  readonly clock: Clock;
};

/** An agent's policy that can also say how it came to a verdict. */
export type ExplainingPolicy = AgentPolicy & {
  /** As `decide`, and keeps nothing. */
  explain(call: PolicyCall): Explanation;
};

/** The policies of agents as files. */
export interface FilePolicies extends PolicySource {
  of(agent: PolicyOwner): ExplainingPolicy;
}

/** What the files say is read anew for each decision. */
export function createFilePolicies(options: FilePoliciesOptions): FilePolicies {
  const workspace = new PolicyFileOnDisk(options.workspaceFile, options.clock);
  const notices = new PolicyNotices(options);
  const broken = new BrokenFiles(options.log);
  // One change of a file at a time: each is read, added to and replaced.
  let last: Promise<unknown> = Promise.resolve();
  const keep = (folder: string, addition: LocalAddition): Promise<void> => {
    const done = last.then(() => addToLocalPolicy(folder, addition, options.fileSystem));
    last = done.catch(() => undefined);
    return done;
  };
  return {
    of: (agent) => new FilePolicy(agent, { workspace, notices, broken, keep, log: options.log, clock: options.clock }),
  };
}

type PolicyOwner = Parameters<PolicySource["of"]>[0];
type FilePolicyParts = {
  readonly workspace: PolicyFileOnDisk;
  readonly notices: PolicyNotices;
  readonly broken: BrokenFiles;
  keep(folder: string, addition: LocalAddition): Promise<void>;
  readonly log: Log;
  readonly clock: Clock;
};

class FilePolicy implements ExplainingPolicy {
  readonly #agent: PolicyOwner;
  readonly #parts: FilePolicyParts;
  /** Empty for an agent without a folder. */
  readonly #files: readonly PolicyFileOnDisk[];
  #inFolder: readonly PolicyFileState[] = [];
  /** What MCP tools were at their first use, until the file says it. */
  readonly #firstUsed = new Map<string, string>();

  constructor(agent: PolicyOwner, parts: FilePolicyParts) {
    this.#agent = agent;
    this.#parts = parts;
    this.#files =
      agent.home === ""
        ? []
        : [policyFileName, localPolicyName].map((name) => new PolicyFileOnDisk(join(agent.home, name), parts.clock));
  }

  decide(call: PolicyCall) {
    const { verdict } = this.explain(call);
    if (call.fingerprint !== undefined && verdict.reason.rule === "allow")
      this.#noteFirstUse(call.text, call.fingerprint);
    return verdict;
  }

  explain(call: PolicyCall): Explanation {
    const { rules, problems } = this.#look();
    const [problem] = problems;
    return problem === undefined ? decide(rules, call, readShell) : { verdict: broken(problem), commands: [] };
  }

  alwaysPatterns(call: PolicyCall): string[] {
    return alwaysPatterns(call);
  }

  async allowAlways(call: PolicyCall): Promise<void> {
    const { home, name } = this.#agent;
    const { policy, reason } = this.explain(call).verdict;
    if (policy === "deny") throw new DuragentError("conflict", `it does not run, and nothing is kept: ${reason.text}`);
    const patterns = alwaysPatterns(call);
    if (patterns.length === 0)
      throw new DuragentError(
        "conflict",
        `nothing of this can be allowed for later: ${JSON.stringify(shortened(call.text))} is more than plain commands; it can only be allowed this once`,
      );
    if (home === "")
      throw new DuragentError(
        "conflict",
        `the agent ${name} has no folder in which ${localPolicyName} could be kept; it can only be allowed this once`,
      );
    const fingerprints = call.fingerprint === undefined ? {} : { [call.text]: call.fingerprint };
    await this.#parts.keep(home, { patterns, fingerprints });
    if (call.fingerprint !== undefined) this.#firstUsed.set(call.text, call.fingerprint);
  }

  ran(call: PolicyCall, { sessionId, result }: Parameters<AgentPolicy["ran"]>[1]): void {
    const { enabled, patterns, deliveries } = this.#look().rules.notify;
    if (!enabled || (patterns.length > 0 && !patterns.some((pattern) => namesCall(pattern, call, readShell)))) return;
    const { name: agent } = this.#agent;
    this.#parts.notices.tell({ sessionId, agent, command: call.text, success: result.success }, deliveries);
  }

  problems(): PolicyProblem[] {
    return this.#look().problems;
  }

  #look(): { rules: PolicyRules; problems: PolicyProblem[] } {
    const workspace = this.#parts.workspace.look();
    // While an agent is deployed anew its folder is not there for a moment: what held before holds on.
    const [first] = this.#files;
    if (first !== undefined && (this.#inFolder.length === 0 || existsSync(dirname(first.path))))
      this.#inFolder = this.#files.map((file) => file.look());
    const states = [workspace, ...this.#inFolder, ...this.#inPackage(workspace)];
    const rules = mergeTiers(states.flatMap(({ tier }) => tier ?? []));
    const fingerprints = new Map([...this.#firstUsed, ...rules.fingerprints]);
    const problems = states.flatMap((state) => state.problems);
    this.#parts.broken.tell(
      [this.#parts.workspace, ...this.#files].map(({ path }) => path),
      problems,
    );
    return { rules: { ...rules, fingerprints }, problems };
  }

  /** A definition that came with a request can not loosen what the server's owner wrote. */
  #inPackage(workspace: PolicyFileState): PolicyFileState[] {
    const bytes = this.#agent.home === "" ? this.#agent.files.get(policyFileName) : undefined;
    if (bytes === undefined) return [];
    const { tier, problems } = parsePolicy(bytes, policyFileName);
    const under = workspace.tier?.mode?.mode ?? "ask";
    return [{ tier: tier === null ? null : onlyTightening(tier, under), problems }];
  }

  #noteFirstUse(name: string, fingerprint: string): void {
    if (this.#look().rules.fingerprints.has(name)) return;
    this.#firstUsed.set(name, fingerprint);
    if (this.#agent.home === "") return;
    const { keep, log } = this.#parts;
    keep(this.#agent.home, { patterns: [], fingerprints: { [name]: fingerprint } }).catch((error: unknown) => {
      log.warn(
        { agent: this.#agent.name, tool: name, error },
        "What an MCP tool was at its first use could not be kept",
      );
    });
  }
}

function broken(problem: PolicyProblem): ReturnType<AgentPolicy["decide"]> {
  const { file, line } = problem;
  const text = `everything is denied because a policy file is broken: ${placed(problem)}`;
  return { policy: "deny", reason: { rule: "broken", file, ...(line === undefined ? {} : { line }), text } };
}

const shortened = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}…` : text);
