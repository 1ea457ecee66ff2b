/** What \`init\` and \`agent create\` know of the providers that an agent can be started with. */
export const starterProviders = {
  anthropic: { label: "Anthropic", model: "claude-sonnet-4-5", keyVariable: "ANTHROPIC_API_KEY" },
  openai: { label: "OpenAI", model: "gpt-5", keyVariable: "OPENAI_API_KEY" },
  google: { label: "Google", model: "gemini-2.5-pro", keyVariable: "GOOGLE_GENERATIVE_AI_API_KEY" },
  openrouter: { label: "OpenRouter", model: "anthropic/claude-sonnet-4.5", keyVariable: "OPENROUTER_API_KEY" },
  ollama: { label: "Ollama (this machine)", model: "llama3.2", keyVariable: undefined },
} as const;
export type StarterProvider = keyof typeof starterProviders;

export const isStarterProvider = (name: string): name is StarterProvider => Object.hasOwn(starterProviders, name);

export const agentNamePattern = /^[a-z0-9][a-z0-9_-]{0,62}$/u;

/** The files of a new agent, by path inside the agents' folder. The name has been checked; provider and model are quoted. */
export function starterAgentFiles(agent: { name: string; provider: string; model: string }): Record<string, string> {
  return {
    [`${agent.name}/agent.yaml`]: `apiVersion: duragent/v1alpha1
kind: Agent
metadata:
  name: ${agent.name}
  description: A helpful assistant
spec:
  model:
    provider: ${JSON.stringify(agent.provider)}
    name: ${JSON.stringify(agent.model)}
  # Read if they are there: SOUL.md, SYSTEM_PROMPT.md, INSTRUCTIONS.md
  session:
    on_disconnect: pause   # continue: the agent works on while nobody is attached
`,
    [`${agent.name}/SOUL.md`]: `You are ${agent.name}: helpful, direct and friendly. You say when you do not know something.
`,
    [`${agent.name}/SYSTEM_PROMPT.md`]: `Today is {{date}}.
Answer briefly unless you are asked for more.
`,
    [`${agent.name}/policy.yaml`]: starterPolicy,
  };
}

/** What an agent may do without a question, to begin with: look, and keep notes. */
const starterPolicy = `# What this agent may do. In order: deny, then ask, then allow, then the mode.
# A pattern is TYPE:TEXT. TYPE is bash, builtin, cli (a tool under tools/), mcp (server__tool) or *.
# For bash TEXT is how a command begins: \`git log\` allows \`git log -5\`, not \`git logs\`, nor \`git log; rm x\`.
# \`duragent policy check -a NAME "COMMAND"\` says what is decided, and which line decides it.
mode: ask   # ask about everything else; restrict: deny it; allow: run it
deny:
  - bash:sudo
  - bash:su
  - bash:dd
  - bash:mkfs*
  - bash:shutdown
  - bash:reboot
# ask: [bash:git push]   # even where a line below, or the mode, would allow it
allow:
  - builtin:read_file
  - builtin:list_files
  - builtin:search_files
  - builtin:web:*
  - builtin:memory:*
  - builtin:session:notes
  - builtin:session:list
  - builtin:artifact:get
  - builtin:artifact:list
  - builtin:background_process:list
  - builtin:background_process:status
  - builtin:background_process:log
  - builtin:notify_user
  - builtin:reload_tools
  - bash:ls
  - bash:cat
  - bash:head
  - bash:tail
  - bash:wc
  - bash:grep
  - bash:rg
  - bash:find
  - bash:sort
  - bash:pwd
  - bash:cd
  - bash:date
  - bash:echo
  - bash:which
  - bash:whoami
  - bash:git status
  - bash:git log
  - bash:git diff
  - bash:git show
# Tell somebody after each call that matches:
# notify:
#   enabled: true
#   patterns: [bash:git push]
#   deliveries: [{ type: webhook, url: https://example.com/hook }]
`;

/** duragent.yaml as \`init\` writes it: every default, said aloud. */
export const starterConfiguration = `# Everything here is the default; each line may go.
server:
  host: 127.0.0.1
  port: 8080
# data_dir: ./.duragent
# session:
#   on_disconnect: pause          # continue: agents work on while nobody is attached
# models:
#   providers:
#     openrouter: { api_key: "\${OPENROUTER_API_KEY:-}" }
`;
