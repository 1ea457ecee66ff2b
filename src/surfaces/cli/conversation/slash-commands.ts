/** What a line that starts with a slash may ask for. */
export type SlashActions = {
  print(text: string): void;
  leave(): void;
  cancel(): Promise<void>;
  end(): Promise<void>;
  approve(always: boolean): Promise<void>;
  deny(reason: string | undefined): Promise<void>;
  /** All messages so far, as lines. */
  history(): Promise<string>;
  status(): Promise<string>;
  /** What the agent remembers; `words` must all occur. */
  memory(words: string | undefined): Promise<string>;
  clear(): void;
  /** Writes the session as Markdown; answers with the path. */
  exportTo(path: string | undefined): Promise<string>;
  agents(): Promise<string>;
  sessions(): Promise<string>;
};

type SlashCommand = {
  summary: string;
  perform(actions: SlashActions, argument: string | undefined): Promise<void> | void;
};

const slashCommands: Readonly<Record<string, SlashCommand>> = {
  help: { summary: "this list", perform: (actions) => actions.print(helpText()) },
  detach: { summary: "leave; the session stays (ctrl-d)", perform: (actions) => actions.leave() },
  cancel: { summary: "stop the running turn (ctrl-c once; twice leaves)", perform: (actions) => actions.cancel() },
  approve: {
    summary: "[always] allow the tool call that waits",
    perform: (actions, argument) => {
      if (argument !== undefined && argument !== "always") return actions.print("/approve, or /approve always");
      return actions.approve(argument === "always");
    },
  },
  deny: { summary: "[REASON] deny the tool call that waits", perform: (actions, reason) => actions.deny(reason) },
  end: { summary: "end the session for good", perform: (actions) => actions.end() },
  history: { summary: "all messages so far", perform: async (actions) => actions.print(await actions.history()) },
  status: {
    summary: "agent, session, status, tokens, cost",
    perform: async (actions) => actions.print(await actions.status()),
  },
  memory: {
    summary: "[WORDS] what the agent remembers",
    perform: async (actions, words) => actions.print(await actions.memory(words)),
  },
  clear: { summary: "clear the screen", perform: (actions) => actions.clear() },
  export: {
    summary: "[FILE] write the session as Markdown",
    perform: async (actions, path) => actions.print(`written to ${await actions.exportTo(path)}`),
  },
  agents: { summary: "the agents there are", perform: async (actions) => actions.print(await actions.agents()) },
  sessions: { summary: "the sessions there are", perform: async (actions) => actions.print(await actions.sessions()) },
};

function helpText(): string {
  const lines = Object.entries(slashCommands).map(([name, { summary }]) => `  /${name.padEnd(8)} ${summary}`);
  return [...lines, "  A line that ends in \\ goes on in the next. //word sends /word to the agent."].join("\n");
}

/** What a line is: a command to us, or text for the agent (`//x` sends `/x`). */
export function readLine(
  line: string,
): { kind: "command"; name: string; argument: string | undefined } | { kind: "message"; text: string } {
  if (line.startsWith("//")) return { kind: "message", text: line.slice(1) };
  const match = /^\/([a-z]+)(?:\s+(.+))?\s*$/u.exec(line);
  if (match === null) return { kind: "message", text: line };
  return { kind: "command", name: match[1] ?? "", argument: match[2]?.trim() };
}

/** Performs one; a name that is none is said, with the list. Throws what the action throws. */
export async function performSlashCommand(
  name: string,
  argument: string | undefined,
  actions: SlashActions,
): Promise<void> {
  const command = Object.hasOwn(slashCommands, name) ? slashCommands[name] : undefined;
  if (command !== undefined) return command.perform(actions, argument);
  actions.print(`/${name} is no command here; //${name} would send it to the agent\n${helpText()}`);
}
