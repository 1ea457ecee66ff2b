import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, readlink, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { test } from "node:test";

import { bubblewrap } from "../adapters/mcp/bubblewrap.ts";
import { ask } from "../support/http-harness.ts";
import { repository } from "../support/program.ts";
import { ServerProcess } from "../support/server-process.ts";
import { callsForOwnRules, type CallForOwnRules } from "../tables/calls-for-own-rules.ts";
import { doer } from "./acting-agents.ts";

/** So many calls at the same time. */
const together = 6;
const owned = "mode: allow # owned";
const filesystem = realpathSync(join(repository, "node_modules/@modelcontextprotocol/server-filesystem/dist/index.js"));
// Not below /tmp: that is another folder inside the sandbox in any case.
const place = join(realpathSync(join(repository, "node_modules")), ".cache");

/** Where an agent and its session may leave something: what it made itself, and what the server writes down about it. */
const ownPlaces = /^data\/(?:workspace\/doer|artifacts\/doer|sessions|memory|processes|logs|agent-versions)(?:\/|$)/;
/** Of these it may make some, of these names. */
const ownFiles = [
  /^data\/memory\/(?:\d{4}-\d\d-\d\d|world\/[^/]+|agents\/doer\/MEMORY)\.md$/,
  /^data\/artifacts\/doer\/[^/]+$/,
  /^data\/sessions\/(?:ids\.jsonl|session_[0-9A-Z]{26}\/(?:events\.jsonl|state\.yaml|opens|memory\/working\.md))$/,
  /^data\/processes\/[\w.-]+$/,
  /^data\/agent-versions\/[0-9a-f]{64}\.tar$/,
  /^data\/workspace\/doer\//,
  /^data\/logs\/[\w.-]+$/,
];

/** Every file and link below the folder, by its content. */
async function picture(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const content = entry.isSymbolicLink() ? await readlink(path) : entry.isFile() ? await readFile(path) : "";
    const digest = createHash("sha256").update(content).digest("hex");
    found.set(relative(folder, path), entry.isDirectory() ? "folder" : digest);
  }
  return found;
}

/** The table as a script: `way N PORT OWN FOREIGN` makes the call N. */
const rulesFor = (calls: readonly CallForOwnRules[], folder: string) => [
  { when: "^ask$", tool: { name: "bash", arguments: { command: "touch allowed" } } },
  { when: "^forbidden$", tool: { name: "bash", arguments: { command: "forbidden" } } },
  { when: "^keep$", tool: { name: "artifact", arguments: { action: "put", name: "kept", content: owned } } },
  ...calls.map(({ name, arguments: given }, at) => {
    const text = JSON.stringify(given)
      .replaceAll("{d}", join(folder, "data"))
      .replaceAll("{a}", join(folder, "agents"))
      .replaceAll("{f}", folder)
      .replaceAll("{port}", "{{1}}")
      .replaceAll("{own}", "{{2}}")
      .replaceAll("{foreign}", "{{3}}")
      .replaceAll("{owned}", owned);
    return { when: `^way ${at} (\\S+) (\\S+) (\\S+)$`, tool: { name, arguments: JSON.parse(text) } };
  }),
  { when: ".*", say: "{{result}}" },
];

function files(folder: string, calls: readonly CallForOwnRules[]) {
  const names = [
    "bash",
    "write_file",
    "artifact",
    "session",
    "background_process",
    "web",
    "notify_user",
    "reload_tools",
  ];
  const writer = {
    type: "cli",
    name: "writer",
    command: `mkdir -p "$(dirname "$ARG_PATH")"; echo '${owned}' > "$ARG_PATH"`,
    parameters: { type: "object", properties: { path: { type: "string" } }, required: ["path"] },
  };
  const mcp = { type: "mcp", name: "fs", command: process.execPath, args: [filesystem, "/"] };
  const tools = [...names.map((name) => ({ type: "builtin", name })), writer, mcp];
  // Everything is allowed but two commands: what holds is not the policy.
  const policy = { mode: "allow", deny: ["bash:forbidden"], ask: ["bash:touch"] };
  const asking = {
    name: "other",
    model: { provider: "scripted", name: "./script.yaml" },
    tools: { builtin: ["bash"] },
  };
  return {
    ...doer({ policy, spec: { memory: {}, tools }, rules: rulesFor(calls, folder) }).files,
    "agents/doer/SOUL.md": "Be kind.\n",
    "agents/doer/tools/shell/run": "#!/bin/sh\n",
    "agents/doer/skills/own/SKILL.md": "---\nname: own\ndescription: Own.\n---\n",
    "agents/other/agent.yaml": JSON.stringify(asking),
    "agents/other/script.yaml": JSON.stringify({
      rules: [
        { when: "^ask$", tool: { name: "bash", arguments: { command: "touch allowed" } } },
        { when: ".*", say: "{{result}}" },
      ],
    }),
    "data/policy.yaml": "deny: [bash:forbidden]\n",
    "data/tools/shared/run": "#!/bin/sh\n",
    "data/directives/kind.md": "Be kind.\n",
    ".env": "HARMLESS=1\n",
    ".agents/skills/shared/SKILL.md": "---\nname: shared\ndescription: Shared.\n---\n",
  };
}

test("no call of a tool changes what its agent is governed by, or decides for a person, by any of the ways of the table", async (t) => {
  assert.ok(callsForOwnRules.length >= 20);
  const sandbox = await bubblewrap(t);
  const calls = callsForOwnRules.filter(({ sandboxed }) => sandbox !== null || sandboxed !== true);
  await mkdir(place, { recursive: true });
  const folder = await mkdtemp(join(place, "duragent-test-"));
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
  const server = await ServerProcess.start(t, { folder, files: files(folder, calls) });
  const get = async (path: string) => (await ask(server.place, { path: `/api/v1${path}` })).json;
  const open = async (agent: string): Promise<string> =>
    (await ask(server.place, { path: "/api/v1/sessions", json: { agent } })).json.session_id;
  const post = (id: string, content: string) =>
    ask(server.place, { path: `/api/v1/sessions/${id}/messages`, json: { content } });
  const waiting = [await open("doer"), await open("other")];
  for (const one of waiting) assert.equal((await post(one, "ask")).status, 202);
  const id = await open("doer");
  assert.match((await post(id, "keep")).text, /kept/);
  const refusal = (await post(id, "forbidden")).json.content;
  assert.match(refusal, /denied/i);
  const governed = async () => [
    await get("/agents"),
    await get("/agents/doer"),
    await get("/agents/doer/spec"),
    (await get(`/sessions/${waiting[1]}`)).pending_approvals,
  ];
  const before = await picture(folder);
  const rules = await governed();

  // Each in a session of its own: the end of a process of one is no message to the next.
  const results: string[] = [];
  const tryOut = async (call: CallForOwnRules, at: number): Promise<void> => {
    const { status, text, json } = await post(
      await open("doer"),
      `way ${at} ${server.place.port} ${waiting.join(" ")}`,
    );
    assert.equal(status, 200, `${JSON.stringify(call)}: ${text}`);
    results[at] = String(json.content);
  };
  for (let from = 0; from < calls.length; from += together)
    await Promise.all(calls.slice(from, from + together).map((call, at) => tryOut(call, from + at)));
  // They were made, and it was their tools that answered.
  for (const [at, { name }] of calls.entries())
    assert.doesNotMatch(
      results[at] ?? "",
      /^(?:way|$)|there is no tool|can not be used now/i,
      `${name}: ${results[at]}`,
    );

  const after = await picture(folder);
  for (const [path, content] of before)
    if (!ownPlaces.test(path)) assert.equal(after.get(path), content, `${path} was changed`);
  for (const path of after.keys())
    if (!before.has(path) && after.get(path) !== "folder")
      assert.ok(
        ownFiles.some((pattern) => pattern.test(path)),
        `${path} was made`,
      );
  assert.ok(!after.has("data/workspace/doer/answered"), "the API answered a command");
  for (const [at, agent] of ["doer", "other"].entries()) {
    assert.ok(!after.has(`data/workspace/${agent}/allowed`), `what nobody allowed to ${agent} has run`);
    const { events } = await get(`/sessions/${waiting[at]}/events?limit=1000`);
    assert.doesNotMatch(JSON.stringify(events), /"decision":"allow/);
  }
  assert.deepEqual(await governed(), rules);
  assert.equal((await post(await open("doer"), "forbidden")).json.content, refusal);
});
