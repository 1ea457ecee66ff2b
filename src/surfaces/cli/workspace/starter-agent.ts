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
  };
}

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
