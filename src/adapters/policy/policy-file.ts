import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, sep } from "node:path";

import { localPolicyName, policyFileName } from "../../domain/policy/file-names.ts";
import { onlyTightening, type PolicyLine, type PolicyTier } from "../../domain/policy/rules.ts";
import type { Clock } from "../../ports/clock.ts";
import type { PolicyProblem } from "../../ports/policy.ts";
import { readPolicyFile } from "../../schema/policy.ts";
import { yamlBytesMax } from "../../schema/yaml-document.ts";
import { isMissing } from "../error-code.ts";

/** What a policy file says now: its rules, nothing where there is none, or what is wrong with it. */
export type PolicyFileState = { readonly tier: PolicyTier | null; readonly problems: readonly PolicyProblem[] };

const nothing: PolicyFileState = { tier: null, problems: [] };
// A link was followed before; a pipe is not waited for.
const readOnly = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** A file that became empty or vanished so recently may be on its way to being another. */
const doubtMs = 2_000;

/**
 * One policy file that is read anew at each look: microseconds, and no clock or watcher can make an edit go unseen. It is
 * parsed again only when its bytes are others. While it is rewritten in place, or replaced by removing it first, what it
 * forbade and asked about holds on. `clock`: not needed by who looks once.
 */
export class PolicyFileOnDisk {
  readonly path: string;
  #bytes: Buffer | null = null;
  #state: PolicyFileState = nothing;
  #doubtedSinceMs: number | null = null;
  readonly #clock: Clock | null;

  constructor(path: string, clock: Clock | null = null) {
    this.path = path;
    this.#clock = clock;
  }

  look(): PolicyFileState {
    try {
      const bytes = readInside(this.path);
      if ((bytes === null || bytes.length === 0) && this.#mayBeRewritten(bytes === null))
        return restrictionsOf(this.#state);
      this.#doubtedSinceMs = null;
      if (bytes === null) {
        this.#bytes = null;
        return (this.#state = nothing);
      }
      if (this.#bytes === null || !this.#bytes.equals(bytes)) this.#state = parsePolicy(bytes, this.path);
      this.#bytes = bytes;
      return this.#state;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#bytes = null;
      return { tier: null, problems: [{ file: this.path, message: `can not be read: ${error.message}` }] };
    }
  }

  /** By the time of the file itself, or of the folder that it is gone from; not for ever in a folder in which much changes. */
  #mayBeRewritten(isGone: boolean): boolean {
    if (this.#clock === null || this.#bytes === null || this.#bytes.length === 0) return false;
    this.#doubtedSinceMs ??= this.#clock.monotonic();
    if (this.#clock.monotonic() - this.#doubtedSinceMs >= doubtMs) return false;
    const facts = statSync(isGone ? dirname(this.path) : this.path, { throwIfNoEntry: false });
    return facts !== undefined && Math.abs(this.#clock.now() - facts.mtimeMs) < doubtMs;
  }
}

const restrictionsOf = ({ tier, problems }: PolicyFileState): PolicyFileState => ({
  // Without the fingerprints a tool that has changed would be one that was never seen.
  tier: tier === null ? null : { ...onlyTightening(tier, "allow"), fingerprints: tier.fingerprints },
  problems,
});

/** What is wrong with the policy files of a workspace or of an agent's folder. */
export function policyProblemsIn(folder: string): PolicyProblem[] {
  return [policyFileName, localPolicyName].flatMap((name) => [
    ...new PolicyFileOnDisk(join(folder, name)).look().problems,
  ]);
}

/** `file` is how its user knows it. */
export function parsePolicy(bytes: Uint8Array, file: string): PolicyFileState {
  const read = readPolicyFile(bytes, file);
  if (!read.ok) {
    const problems = read.errors.map(({ line, column, path, message }) => ({
      file,
      ...(line === undefined ? {} : { line }),
      ...(column === undefined ? {} : { column }),
      message: path === undefined || path === "" ? message : `${path}: ${message}`,
    }));
    return { tier: null, problems };
  }
  const { policy, lineOf } = read;
  const lines = (written: readonly string[], ...path: string[]): PolicyLine[] =>
    written.map((pattern, index) => ({ written: pattern, line: lineOf([...path, index]) }));
  return {
    tier: {
      file,
      ...(policy.mode === undefined ? {} : { mode: { mode: policy.mode, line: lineOf(["mode"]) } }),
      deny: lines(policy.deny, "deny"),
      ask: lines(policy.ask, "ask"),
      allow: lines(policy.allow, "allow"),
      notify: { ...policy.notify, patterns: lines(policy.notify.patterns, "notify", "patterns") },
      fingerprints: new Map(Object.entries(policy.mcp_fingerprints)),
    },
    problems: [],
  };
}

/** A file's bytes; `null` where there is none. Throws Node's errors, and an error for what is no file, is too large or lies elsewhere. */
function readInside(path: string): Buffer | null {
  if (!exists(path)) return null;
  const target = realpathSync(path);
  if (!target.startsWith(realpathSync(dirname(path)) + sep)) throw new Error("the link leads out of its folder");
  const descriptor = openSync(target, readOnly);
  try {
    const facts = fstatSync(descriptor);
    if (!facts.isFile()) throw new Error(`${basename(path)} is no file`);
    if (facts.size > yamlBytesMax) throw new Error(`${facts.size} bytes; at most ${yamlBytesMax} are read`);
    const buffer = Buffer.alloc(facts.size + 1);
    const length = readSync(descriptor, buffer, 0, buffer.length, 0);
    return buffer.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}

function exists(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
