import type { MockProvider } from "./mock-provider.ts";
import { agentFile, type ServerOptions } from "./server-process.ts";

/** An agent `mock` whose model is a provider on the wire, in either dialect. */
export function mockAgent(
  provider: MockProvider,
  options: { dialect?: "anthropic" | "openai"; onDisconnect?: "continue" | "pause"; config?: string } = {},
): ServerOptions {
  const { dialect = "anthropic", onDisconnect = "continue", config = "" } = options;
  const baseUrl = dialect === "anthropic" ? provider.anthropicUrl : provider.chatUrl;
  return {
    files: agentFile("mock", { provider: dialect, name: "mock-model" }, onDisconnect),
    config: `models: { providers: { ${dialect}: { api_key: test-key, base_url: "${baseUrl}" } } }\n${config}`,
  };
}
