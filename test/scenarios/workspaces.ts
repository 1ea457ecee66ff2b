import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";

import { servedFolder } from "../support/program.ts";

/** What a scripted agent of a test says; the last word is never shown before all others. */
export const longAnswer = Array.from({ length: 60 }, (_, at) => `word${at}`).join(" ");

const script = `rules:
  - { when: '^long', say: '${longAnswer}' }
  - { when: '.*', say: 'heard: {{input}}' }
delay: { first_token_ms: 0, per_token_ms: 20 }
`;

/** A workspace in a folder of its own, with the agent \`echo\`, whose long answer takes about a second. */
export async function workspace(
  test: TestContext,
  agents: Record<string, string> = {},
): Promise<{ folder: string; dataDir: string }> {
  const folder = await servedFolder(test);
  const dataDir = join(folder, ".duragent");
  const files: Record<string, string> = {
    "echo/agent.yaml":
      "name: echo\nmodel: { provider: scripted, name: ./script.yaml }\nsession: { on_disconnect: continue }\n",
    "echo/script.yaml": script,
    ...agents,
  };
  for (const [path, text] of Object.entries(files)) {
    const target = join(dataDir, "agents", path);
    await mkdir(join(target, ".."), { recursive: true });
    await writeFile(target, text);
  }
  return { folder, dataDir };
}
