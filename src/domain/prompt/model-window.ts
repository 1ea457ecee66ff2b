// The first that a model's lower-case name contains decides, so the narrower names come first.
const windows: readonly (readonly [part: string, tokens: number])[] = [
  ["claude", 200_000],
  ["gpt-5", 400_000],
  ["gpt-4.1", 1_000_000],
  ["gpt-4", 128_000],
  ["gemini", 1_000_000],
  ["grok-4", 2_000_000],
  ["grok", 131_072],
  ["deepseek-v3", 163_840],
  ["deepseek-chat-v3", 163_840],
  ["deepseek", 128_000],
  ["qwen3", 131_072],
  ["qwen", 128_000],
  ["llama-4", 327_680],
  ["llama", 128_000],
  ["mistral-large", 262_144],
  ["mistral", 128_000],
  ["mixtral", 128_000],
];

/** How many tokens a request to a model may have: what the agent says, else what is known of the name, else 128,000. */
export function modelWindowTokens(model: { name: string; max_input_tokens?: number | undefined }): number {
  if (model.max_input_tokens !== undefined) return model.max_input_tokens;
  const name = model.name.toLowerCase();
  return windows.find(([part]) => name.includes(part))?.[1] ?? 128_000;
}
