import type { Definition } from "../program.ts";

/** One command: its file is imported only when the command line names it. */
export type CommandEntry = { name: string; summary: string; load(): Promise<{ define: Definition }> };

/** In the order in which the help shows them. */
export const commands: readonly CommandEntry[] = [
  { name: "init", summary: "make a workspace: configuration and a first agent", load: () => import("./init.ts") },
  {
    name: "serve",
    summary: "run the server; or ask a running one: status, stop, reload",
    load: () => import("./serve.ts"),
  },
  { name: "chat", summary: "talk to an agent", load: () => import("./chat.ts") },
  { name: "attach", summary: "come back to a session", load: () => import("./attach.ts") },
  { name: "run", summary: "one turn: the answer on stdout", load: () => import("./run.ts") },
  {
    name: "session",
    summary: "list, show, follow, end, export, fork, mend sessions",
    load: () => import("./session.ts"),
  },
  { name: "agent", summary: "list, create, show, check agents", load: () => import("./agent.ts") },
  { name: "artifact", summary: "list, get and put an agent's files", load: () => import("./artifact.ts") },
  { name: "memory", summary: "search or export what an agent remembers", load: () => import("./memory.ts") },
  { name: "policy", summary: "say what the policy decides about a call", load: () => import("./policy.ts") },
  { name: "gateway", summary: "list, restart, test chat gateways", load: () => import("./gateway.ts") },
  { name: "doctor", summary: "check everything and say how to mend it", load: () => import("./doctor.ts") },
  { name: "login", summary: "store a provider's key in ~/.duragent/auth.json", load: () => import("./login.ts") },
  { name: "completions", summary: "print completions for a shell", load: () => import("./completions.ts") },
  { name: "version", summary: "print the version", load: () => import("./version.ts") },
];

/** Words that belong to a later version: named, so that nobody takes them for a mistake of spelling. */
export const commandsOfLaterVersions: ReadonlySet<string> = new Set(["db", "migrate", "backup", "restore"]);
