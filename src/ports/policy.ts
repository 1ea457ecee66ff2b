import type { ToolResult } from "../schema/session-event.ts";
import type { PolicyCall } from "./tool.ts";

/** Where a decision comes from: a line of a file, a mode, or what holds without any file. */
export type PolicyReason = {
  rule: "deny" | "ask" | "allow" | "mode" | "default" | "broken" | "unparsed" | "changed";
  pattern?: string;
  /** The file as its user knows it, and its line counted from 1. */
  file?: string;
  line?: number;
  /** One sentence: why, for the model and for `policy check`. */
  text: string;
};

export type PolicyVerdict = { policy: "allow" | "ask" | "deny"; reason: PolicyReason };

export type PolicyProblem = { file: string; line?: number; column?: number; message: string };

/** What the files say now about one agent's calls: workspace, agent, and `policy.local.yaml`. */
export interface AgentPolicy {
  /** Sees an edit of the files at once; a file that does not parse denies everything. */
  decide(call: PolicyCall): PolicyVerdict;
  /** What *always allow* would keep for this call: `TYPE:TEXT` each. */
  alwaysPatterns(call: PolicyCall): string[];
  /** Adds what `alwaysPatterns` names to `policy.local.yaml`, durably. Throws `storage-failed`; `conflict` where there is no folder to keep it in. */
  allowAlways(call: PolicyCall): Promise<void>;
  /** Tells `notify` about a call that has run: later and by itself, so nothing waits for it and nothing fails by it. */
  ran(call: PolicyCall, facts: { sessionId: string; result: ToolResult }): void;
  problems(): PolicyProblem[];
}

/** The policies of all agents. `home`: the agent's folder, empty for an inline definition; `files`: its package. */
export interface PolicySource {
  of(agent: { name: string; home: string; files: ReadonlyMap<string, Uint8Array> }): AgentPolicy;
}
