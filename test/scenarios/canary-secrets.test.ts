import assert from "node:assert/strict";
import { once } from "node:events";
import { realpathSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { ask, openStream, type Question } from "../support/http-harness.ts";
import { startMockProvider } from "../support/mock-provider.ts";
import { repository } from "../support/program.ts";
import { runProgram, ServerProcess } from "../support/server-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";
import { canaryPlaces, canaryReplies, type CanaryPlace } from "../tables/canary-places.ts";
import { doer } from "./acting-agents.ts";

/** One secret of each kind that a server knows; each is looked for everywhere. */
const secrets = {
  api: "canary-api-7f3k9d2m5x",
  admin: "canary-admin-8h2j4n6q1v",
  provider: "canary-provider-3c5b7w9z2t",
  header: "canary-header-6r4y8u2p0s",
  notify: "canary-notify-1a9s8d7f6g",
  search: "canary-search-2q3w4e5r6t",
  stored: "canary-stored-9o8i7u6y5t",
  environment: "canary-environment-0m9n8b7v6c",
  file: "canary-file-5t4r3e2w1q",
  ofMcp: "canary-mcp-8k7j6h5g4f",
  ofTool: "canary-tool-3d2s1a0z9x",
};
const kinds = Object.values(secrets);
const fill = (text: string, secret: string): string => text.replaceAll("{s}", secret);

const secretAt = (at: number): string => kinds[at % kinds.length] ?? "";

/** Turns the table into what a scripted model does: message `N` makes its call. */
function rules(): Record<string, unknown>[] {
  const calls = canaryPlaces.flatMap(({ call }, at) =>
    call === undefined
      ? []
      : [{ when: `^place ${at} (\\S+) (\\S+)$`, tool: { ...call, arguments: argumentsOf(call, at) } }],
  );
  return [...calls, { when: "^say ([^]+)$", say: "you said {{1}}" }, { when: ".*", say: "It says: {{result}}" }];
}

/** A model that knows the secret: here from its script, a file of the agent. */
const argumentsOf = (call: NonNullable<CanaryPlace["call"]>, at: number): unknown =>
  JSON.parse(
    fill(JSON.stringify(call.arguments), secretAt(at)).replaceAll("{page}", "{{1}}").replaceAll("{sibling}", "{{2}}"),
  );

async function started(t: TestContext) {
  const told: string[] = [];
  const hook = createServer((incoming, outgoing) => {
    if (incoming.method === "GET") return void outgoing.end(`<title>${kinds[0]}</title><p>${kinds.join(" ")}</p>`);
    incoming.setEncoding("utf8").on("data", (text: string) => told.push(text));
    incoming.on("end", () => outgoing.writeHead(204).end());
  });
  hook.listen(0, "127.0.0.1");
  await once(hook, "listening");
  t.after(() => hook.close());
  const { port } = hook.address() as AddressInfo;
  const provider = await startMockProvider();
  t.after(() => provider[Symbol.asyncDispose]());
  const config = `server: { api_token: ${secrets.api} }
admin: { token: ${secrets.admin} }
notify: { default: ops, channels: { ops: { webhook: "http://127.0.0.1:${port}/", secret: ${secrets.notify} } } }
web: { allow_private: true, search: { provider: searxng, base_url: "http://127.0.0.1:${port}", api_key: ${secrets.search} } }
models: { providers: { mine: { kind: openai-compatible, base_url: "${provider.chatUrl}", api_key: ${secrets.provider}, headers: { x-key: ${secrets.header} } }, other: { kind: openai, api_key_file: ./key } } }
`;
  const builtins = [
    "bash",
    "read_file",
    "search_files",
    "write_file",
    "session",
    "artifact",
    "notify_user",
    "web",
    "background_process",
  ];
  const everything = join(
    realpathSync(join(repository, "node_modules")),
    "@modelcontextprotocol/server-everything/dist/index.js",
  );
  const options = doer({
    config,
    policy: { mode: "allow", ask: ["bash:touch"] },
    rules: rules(),
    spec: {
      memory: {},
      tools: [
        ...builtins.map((name) => ({ type: "builtin", name })),
        {
          type: "cli",
          name: "leaky",
          command: "cat leak; cat leak >&2; env",
          env: { LEAKY_TOKEN: secrets.ofTool },
        },
        {
          type: "mcp",
          name: "every",
          command: process.execPath,
          args: [everything],
          env: { EVERY_API_KEY: secrets.ofMcp },
        },
      ],
    },
  });
  const home = await temporaryFolder(t);
  await mkdir(join(home, ".duragent"), { recursive: true, mode: 0o700 });
  const stored = JSON.stringify({ openai: { type: "api_key", key: secrets.stored } });
  await writeFile(join(home, ".duragent", "auth.json"), stored, { mode: 0o600 });
  const keyed = { name: "keyed", model: { provider: "mine", name: "m" }, tools: { builtin: ["bash"] } };
  const files = { ...options.files, "agents/keyed/agent.yaml": JSON.stringify(keyed), key: `${secrets.file}\n` };
  const env = { HOME: home, CANARY_API_KEY: secrets.environment };
  const server = await ServerProcess.start(t, { ...options, files, env });
  return { server, told, provider, page: `http://127.0.0.1:${port}` };
}

test(`none of ${canaryPlaces.length + canaryReplies.length} ways brings a known secret into the log, a stream, an answer, the chat or an artifact`, async (t) => {
  const { server, told, provider, page } = await started(t);
  const workspace = join(server.dataDir, "workspace", "doer");
  await mkdir(workspace, { recursive: true, mode: 0o700 });
  const headers = { authorization: `Bearer ${secrets.api}` };
  const seen: [string, string][] = [];
  const see = (where: string, text: string): number => seen.push([where, text]);
  const made = await ask(server.place, {
    path: "/api/v1/sessions",
    json: { agent: "doer", labels: { key: secrets.provider } },
    headers,
  });
  const path = `/api/v1/sessions/${made.json.session_id}`;
  see("the new session", made.text);
  const sibling = await ask(server.place, { path: "/api/v1/sessions", json: { agent: "doer" }, headers });
  const stream = await openStream(server.place, {
    path: `${path}/events?attach=false`,
    headers: { ...headers, accept: "text/event-stream" },
  });
  for (const [at, { name, say }] of canaryPlaces.entries()) {
    const secret = secretAt(at);
    await writeFile(join(workspace, "leak"), secret);
    const content = say === undefined ? `place ${at} ${page} ${sibling.json.session_id}` : `say ${fill(say, secret)}`;
    const json = { content, sender_id: secret, sender_name: `Ada ${secret}` };
    const { status, text } = await ask(server.place, { path: `${path}/messages`, json, headers });
    assert.ok(status === 200 || status === 202, `${name}: ${text}`);
    see(name, text);
    if (status === 202) {
      see(`${name}, pending`, (await ask(server.place, { path, headers })).text);
      const denial = { call_id: JSON.parse(text).call_id, decision: "deny", reason: secret };
      see(`${name}, denied`, (await ask(server.place, { path: `${path}/approve`, json: denial, headers })).text);
    }
  }
  for (const [at, { name, replies }] of canaryReplies.entries()) {
    const secret = at % 2 === 0 ? secrets.provider : secrets.header;
    for (const reply of replies(secret)) provider.reply(reply);
    const keyed = await ask(server.place, { path: "/api/v1/sessions", json: { agent: "keyed" }, headers });
    const to = `/api/v1/sessions/${keyed.json.session_id}`;
    const stream = await ask(server.place, { path: `${to}/stream`, json: { content: name }, headers });
    assert.equal(stream.status, 200, `${name}: ${stream.text}`);
    see(`${name}: the stream`, stream.text);
    see(`${name}: the log`, (await ask(server.place, { path: `${to}/export`, headers })).text);
  }
  // MCP servers run still; the commands of this test say a token themselves.
  for (const pid of await readdir("/proc").catch(() => [])) {
    const line = /^\d+$/.test(pid) ? await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "") : "";
    if (!line.includes("--token")) see(`the process ${pid}`, line);
  }
  await until("the notification", () => told.length > 0);
  for (const where of ["", "/messages", "/events?limit=10000", "/export", "/export?format=markdown"])
    see(`GET …${where}`, (await ask(server.place, { path: `${path}${where}`, headers })).text);
  for (const where of [
    "/health",
    "/metrics",
    "/api/v1/agents/doer/memory",
    "/api/v1/agents/doer/artifacts",
    "/api/v1/sessions",
    "/api/v1/agents",
    "/openapi.json",
  ])
    see(`GET ${where}`, (await ask(server.place, { path: where, headers })).text);
  const wrong: Question[] = [
    { path: "/api/v1/sessions", json: { agent: "doer", [secrets.provider]: secrets.header } },
    { path: "/api/v1/sessions", json: { agent: secrets.provider } },
    { path: `/api/v1/agents/${secrets.provider}` },
    { path: `/api/v1/sessions?status=${secrets.provider}` },
    { path: `/api/v1/sessions?token=${secrets.api}` },
    { path: `/${secrets.admin}/${secrets.api}` },
    { path: "/api/v1/sessions", headers: { authorization: `Bearer ${secrets.provider}` } },
    { path: "/api/v1/sessions", headers: { host: secrets.provider } },
    { path, headers: { ...headers, "x-request-id": secrets.provider } },
  ];
  for (const question of wrong) {
    const { status, text } = await ask(server.place, { ...question, headers: { ...headers, ...question.headers } });
    // What a caller has written comes back to it and goes nowhere else: to mask it would tell who guesses what is right.
    see(`${status} ${question.path}`, text.replaceAll(secrets.provider, "its own words"));
  }
  const admin = { authorization: `Bearer ${secrets.admin}` };
  see("doctor of the server", (await ask(server.place, { path: "/api/v1/admin/doctor", headers: admin })).text);
  const doctor = await runProgram(server, ["doctor"]);
  see("doctor", doctor.stdout + doctor.stderr);
  const cli = ["--server", server.url, "--token", secrets.api];
  const run = await runProgram(server, ["run", "-a", "doer", ...cli, `say ${secrets.admin} ${secrets.stored}`]);
  see("run", run.stdout + run.stderr);
  stream.close();
  see("the stream", stream.text());
  see("the webhook", told.join(""));
  await server.stop();
  see("what the server printed", server.output);
  for (const file of await readdir(server.dataDir, { recursive: true, withFileTypes: true })) {
    const filePath = join(file.parentPath, file.name);
    // What people put into a workspace or an agent's folder is theirs; versions are copies of such folders.
    // So is what a process in the background writes, straight into its file; the server gives it out without secrets.
    const isTheirs =
      [workspace, join(server.dataDir, "agent-versions")].some((folder) => filePath.startsWith(folder)) ||
      (filePath.startsWith(join(server.dataDir, "processes")) && filePath.endsWith(".log"));
    if (!file.isFile() || isTheirs) continue;
    see(filePath, `${filePath} ${await readFile(filePath, "latin1")}`);
  }
  see("a file that the agent wrote", await readFile(join(workspace, "note"), "utf8"));

  assert.ok(seen.length > canaryPlaces.length + 20, "it was looked everywhere");
  assert.ok(seen.some(([, text]) => text.includes("***")));
  const hits = seen.flatMap(([where, text]) =>
    kinds.filter((secret) => text.includes(secret)).map((one) => `${where}: ${one}`),
  );
  assert.deepEqual(hits, []);
});
