import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startProgram, type Program } from "./program.ts";

const root = new URL("../../", import.meta.url).pathname;

/** What a turn of every figure costs the model: nothing but 50 tokens at once. */
export const startModel = (): Promise<Program> => startProgram(join(root, "bench/mock-model.ts"));

/** A folder for one measurement on the disk that the repository lies on, or where `DURAGENT_BENCH_FOLDER` says. */
export async function benchFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(process.env["DURAGENT_BENCH_FOLDER"] ?? tmpdir(), "duragent-bench-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** A workspace with the agent `bench`, whose model is at `modelUrl`. */
export async function writeWorkspace(folder: string, modelUrl: string, session = "{}"): Promise<void> {
  await mkdir(join(folder, ".duragent/agents/bench"), { recursive: true });
  await writeFile(
    join(folder, "duragent.yaml"),
    [
      "server: { max_streams: 20000, max_streams_per_session: 20000, max_connections: 20000 }",
      `models: { providers: { bench: { kind: openai-compatible, base_url: "${modelUrl}/v1", api_key: none } } }`,
      "logging: { format: json }",
    ].join("\n"),
  );
  await writeFile(
    join(folder, ".duragent/agents/bench/agent.yaml"),
    [
      "apiVersion: duragent/v1alpha1",
      "kind: Agent",
      "metadata: { name: bench }",
      `spec: { model: { provider: bench, name: mock }, session: ${session} }`,
    ].join("\n"),
  );
}

const fiftyTokens = Array.from({ length: 50 }, (_, n) => `word${n}`).join(" ");

/** Another agent of that workspace, `scripted`: its model says the same 50 tokens without a server or a provider package. */
export const addScriptedAgent = (folder: string): Promise<void> =>
  addAgent(folder, "scripted", { script: `rules: [{ when: ".", say: "${fiftyTokens}" }]` });

/** And one, `acting`, that lists its files before it says them: a call of a tool, and a second one of the model. */
export const addActingAgent = (folder: string): Promise<void> =>
  addAgent(folder, "acting", {
    tools: "[{ type: builtin, name: list_files }]",
    script: `rules: [{ when: ".", tool: { name: list_files } }, { after_tool: list_files, say: "${fiftyTokens}" }]`,
  });

async function addAgent(
  folder: string,
  name: string,
  { script, tools = "[]" }: { script: string; tools?: string },
): Promise<void> {
  const agent = join(folder, ".duragent/agents", name);
  await mkdir(agent);
  await writeFile(
    join(agent, "agent.yaml"),
    [
      "apiVersion: duragent/v1alpha1",
      "kind: Agent",
      `metadata: { name: ${name} }`,
      `spec: { model: { provider: scripted, name: ./script.yaml }, tools: ${tools} }`,
    ].join("\n"),
  );
  await writeFile(join(agent, "script.yaml"), script);
}

/** `duragent serve` in a workspace, as a user starts it. `DURAGENT_BENCH_NODE_ARGS` is for profiles. */
export const startDuragent = (folder: string, nodeArgs: readonly string[] = []): Promise<Program> =>
  startProgram(join(root, "bin/duragent.mjs"), {
    args: ["serve", "--port", "0"],
    cwd: folder,
    nodeArgs: [...nodeArgs, ...(process.env["DURAGENT_BENCH_NODE_ARGS"]?.split(" ") ?? [])],
  });

/** The floor: what any server that keeps the same promise has to do. */
export const startFloor = (folder: string, modelUrl: string): Promise<Program> =>
  startProgram(join(root, "bench/floor-server.ts"), { args: [folder, modelUrl] });
