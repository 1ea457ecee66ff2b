import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { packAgent } from "../../src/client/agent-archive.ts";
import { ApiProblem } from "../../src/client/api-problem.ts";
import { createClient, type Client } from "../../src/client/client.ts";
import type { SessionId } from "../../src/schema/ids.ts";
import { duragent, startProgram } from "../support/program.ts";
import { workspace } from "./workspaces.ts";

/** A package of an agent that says one thing; slowly, a word each time, if it is told to. */
const saying = (say: string, perTokenMs = 0, name = "deployed"): Promise<Uint8Array> => {
  const files = {
    "agent.yaml": `name: ${name}\nmodel: { provider: scripted, name: ./script.yaml }\nsession: { on_disconnect: continue }\n`,
    "script.yaml": `rules: [{ when: '.*', say: '${say}' }]\ndelay: { per_token_ms: ${perTokenMs} }\n`,
  };
  const bytes = Object.entries(files).map(([path, text]) => [path, new TextEncoder().encode(text)] as const);
  return packAgent(name, { files: new Map(bytes), executable: new Set() });
};

async function serve(t: TestContext, folder: string) {
  const server = startProgram(t, ["serve", "--port", "0"], { cwd: folder });
  const [url] = await server.shows(/http:\/\/127\.0\.0\.1:\d+/);
  return { server, client: createClient({ baseUrl: url }) };
}

async function answerOf(client: Client, id: SessionId, content: string): Promise<string> {
  const outcome = await client.sendMessage(id, { content });
  return outcome.kind === "answered" ? outcome.content : outcome.kind;
}

const slow = Array.from({ length: 20 }, (_, at) => `slow${at}`).join(" ");

test("a turn ends with the version that it started with, whatever is deployed meanwhile, also after a kill", async (t) => {
  const { folder } = await workspace(t);
  const first = await serve(t, folder);
  await first.client.deployAgent(await saying(slow, 30));
  const { session_id: id } = await first.client.createSession({ agent: "deployed" });
  await first.client.postMessage(id, { content: "go" });
  for await (const event of first.client.follow(id)) if (event.kind === "token") break;
  assert.equal((await first.client.deployAgent(await saying("new"))).action, "updated");
  first.server.child.kill("SIGKILL");
  await first.server.exit;

  const { client } = await serve(t, folder);
  let text = "";
  for await (const event of client.follow(id)) {
    if (event.kind === "event" && event.event.type === "assistant_response") text = event.event.content;
    if (event.kind === "event" && event.event.type === "turn_end") break;
  }
  assert.equal(text, slow);
  assert.equal(await answerOf(client, id, "again"), "new");
});

test("a deployed agent shadows the static one over restarts; removed, sessions that worked with it go on", async (t) => {
  const { folder } = await workspace(t);
  const first = await serve(t, folder);
  await first.client.importAgent(await saying("deployed", 0, "echo"));
  await first.client.importAgent(await saying("alone"));
  first.server.child.kill("SIGKILL");
  await first.server.exit;

  const { client } = await serve(t, folder);
  const echo = (await client.createSession({ agent: "echo" })).session_id;
  const alone = (await client.createSession({ agent: "deployed" })).session_id;
  assert.equal(await answerOf(client, echo, "hi"), "deployed");
  assert.equal(await answerOf(client, alone, "hi"), "alone");
  await client.removeAgent("echo");
  await client.removeAgent("deployed");
  assert.equal(await answerOf(client, echo, "hi"), "heard: hi");
  assert.equal(await answerOf(client, alone, "hi"), "alone");
  await assert.rejects(client.createSession({ agent: "deployed" }), { code: "agent-not-found" });
});

test("a definition that comes with a session may not say where the server's key is sent to", async (t) => {
  const { folder } = await workspace(t);
  await writeFile(
    join(folder, "duragent.yaml"),
    "models: { providers: { mine: { kind: ollama }, behind: { kind: ollama, api_key: k } } }\n",
  );
  const { client } = await serve(t, folder);
  const spec = (provider: string) => ({
    name: "inline",
    model: { provider, name: "x", base_url: "http://127.0.0.1:9/v1" },
  });
  for (const provider of ["anthropic", "behind"]) {
    await assert.rejects(client.createSession({ agent_spec: spec(provider) }), (error) => {
      assert.ok(error instanceof ApiProblem);
      assert.deepEqual([error.status, error.facts.errors?.map(({ path }) => path)], [422, ["model.base_url"]]);
      assert.match(error.message, /models\.providers\.NAME\.base_url in duragent\.yaml/);
      return true;
    });
  }
  assert.equal((await client.createSession({ agent_spec: spec("mine") })).agent, "inline");
});

test("agent export and import: with a server, and without one", async (t) => {
  const { folder, dataDir } = await workspace(t);
  const cli = (...args: string[]) => duragent(["agent", ...args], { cwd: folder });
  const made = await cli("export", "echo");
  assert.deepEqual([made.code, made.stdout], [0, "made  echo.tar.gz\n"], made.stderr);
  const again = await cli("export", "echo");
  assert.deepEqual([again.code, again.stderr], [1, "error: echo.tar.gz is there already\nhint: name another file\n"]);
  assert.equal((await cli("import", "echo.tar.gz")).stdout, "echo: deployed\n");
  assert.match(await readFile(join(dataDir, "sys/dyn_agents/echo/agent.yaml"), "utf8"), /^name: echo/);

  const { client } = await serve(t, folder);
  assert.equal((await cli("import", join(dataDir, "agents/echo"))).stdout, "echo: already deployed just so\n");
  await writeFile(join(folder, "single.yaml"), "name: single\nmodel: { provider: ollama, name: small }\n");
  const single = await cli("import", "single.yaml", "--json");
  assert.deepEqual(JSON.parse(single.stdout), { agent: "single", action: "created" });
  assert.deepEqual(
    (await client.listAgents()).agents.map(({ name }) => name),
    ["echo", "single"],
  );
  await writeFile(join(folder, "single.yaml"), "name: single\nmodel: { provider: ollama }\n");
  const wrong = await cli("import", "single.yaml");
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /error: the agent's definition is not valid: model\.name: is missing/);
  assert.equal((await cli("import", "nothing")).code, 1);
  assert.equal((await cli("export", "none")).code, 1);
});
