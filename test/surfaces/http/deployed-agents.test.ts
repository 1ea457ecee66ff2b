import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { gunzipSync, gzipSync } from "node:zlib";

import { packTar, unpackTar, type TarHeader } from "modern-tar";

import { createClient } from "../../../src/client/client.ts";
import { agentFolders, agentYaml } from "../../runtime/agents/agent-folders.ts";
import { ask, startHttp, type Question, type Told } from "../../support/http-harness.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const path = "/api/v1/admin/agents";
const run = promisify(execFile);

/** The API over a real catalog in a folder; only sessions have none of its agents. */
async function served(t: TestContext, files: Record<string, string> = {}) {
  const folders = await agentFolders(t, files);
  const catalog = await folders.open();
  const http = await startHttp(t, { http: { agents: catalog, deployment: catalog } });
  const post = (body: string | Uint8Array, type: string, headers: Question["headers"] = {}, to = path): Promise<Told> =>
    ask(http, { path: to, body, headers: { "content-type": `application/${type}`, ...headers } });
  return { ...folders, catalog, http, post };
}

const entry = (name: string, content = "x", header: Partial<TarHeader> = {}) => ({
  header: { name, size: Buffer.byteLength(content), type: "file" as const, ...header },
  body: content,
});
const packed = async (...entries: Parameters<typeof packTar>[0]) => gzipSync(await packTar(entries));

test("a definition is created, updated and found unchanged, in YAML and in JSON, with the ETag of the agent", async (t) => {
  const { http, post } = await served(t);
  const first = await post(agentYaml("one", "description: First."), "yaml");
  assert.deepEqual([first.status, first.json], [200, { agent: "one", action: "created" }]);
  const got = await ask(http, { path: "/api/v1/agents/one" });
  assert.equal(got.headers.etag, first.headers.etag);
  assert.equal(got.json.metadata.description, "First.");
  assert.equal((await post(agentYaml("one", "description: First."), "yaml")).json.action, "unchanged");
  const model = { provider: "anthropic", name: "claude-sonnet-4-5" };
  const json = await post(
    JSON.stringify({ name: "one", model, system_prompt: "Tab\tand\u2028line" }, null, "\t"),
    "json",
  );
  assert.equal(json.json.action, "updated");
  assert.notEqual(json.headers.etag, first.headers.etag);
  assert.equal((await ask(http, { path: "/api/v1/agents/one" })).json.spec.system_prompt, "Tab\tand\u2028line");
});

test("If-Match changes only the agent that was meant", async (t) => {
  const { http, post } = await served(t, { "agents/still/agent.yaml": agentYaml("still") });
  const etag = (await post(agentYaml("one"), "yaml")).headers.etag ?? "";
  for (const stale of [`"${"0".repeat(64)}"`, `W/${etag}`, "x"]) {
    const refused = await post(agentYaml("one", "version: 2"), "yaml", { "if-match": stale });
    assert.equal(refused.status, 412);
    assert.equal(refused.json.type, "urn:duragent:problem:precondition-failed");
    assert.ok(refused.json.detail.includes(etag), "says what the ETag is");
    assert.equal(
      (await ask(http, { method: "DELETE", path: `${path}/one`, headers: { "if-match": stale } })).status,
      412,
    );
  }
  assert.equal((await post(agentYaml("two"), "yaml", { "if-match": "*" })).status, 412, "there is none to match");
  const second = await post(agentYaml("one", "version: 2"), "yaml", { "if-match": `"x", ${etag}` });
  assert.equal(second.json.action, "updated");
  assert.equal(
    (await post(agentYaml("one"), "yaml", { "if-match": etag })).status,
    412,
    "the tag is of the version before",
  );
  const still = (await ask(http, { path: "/api/v1/agents/still" })).headers.etag ?? "";
  assert.equal((await post(agentYaml("still", "version: 2"), "yaml", { "if-match": still })).json.action, "created");
  const gone = await ask(http, { method: "DELETE", path: `${path}/one`, headers: { "if-match": second.headers.etag } });
  assert.equal(gone.status, 204);
});

test("of ten who change the same version at once one succeeds", async (t) => {
  const { post } = await served(t);
  const etag = (await post(agentYaml("one"), "yaml")).headers.etag ?? "";
  const told = await Promise.all(
    Array.from({ length: 10 }, (_, at) => post(agentYaml("one", `version: v${at}`), "yaml", { "if-match": etag })),
  );
  const [first, ...others] = told.map(({ status }) => status).toSorted((a, b) => a - b);
  assert.deepEqual([first, new Set(others)], [200, new Set([412])]);
});

test("a deployed agent shadows the static one of its name until it is removed", async (t) => {
  const { http, post } = await served(t, { "agents/one/agent.yaml": agentYaml("one", "description: Static.") });
  const description = async () => (await ask(http, { path: "/api/v1/agents/one" })).json.metadata.description;
  const remove = () => ask(http, { method: "DELETE", path: `${path}/one` });
  assert.equal((await remove()).status, 409);
  await post(agentYaml("one", "description: Deployed."), "yaml");
  assert.equal(await description(), "Deployed.");
  const removed = await remove();
  assert.deepEqual([removed.status, removed.text], [204, ""]);
  assert.equal(await description(), "Static.");
  const again = await remove();
  assert.deepEqual([again.status, again.json.type], [409, "urn:duragent:problem:conflict"]);
  assert.match(again.json.detail, /remove its folder/);
  assert.equal((await ask(http, { method: "DELETE", path: `${path}/none` })).status, 404);
});

test("an agent that is well-formed but not valid is refused with all its errors and nothing is kept", async (t) => {
  const { folder, post } = await served(t);
  const wrong = "name: one\nmodel: { provider: anthropic }\ntools: [{ type: builtin, name: bsh }]\nsoll: x\n";
  const told = await post(wrong, "yaml");
  assert.deepEqual([told.status, told.json.type], [422, "urn:duragent:problem:unprocessable"]);
  assert.deepEqual(
    told.json.errors.map((error: { path: string }) => error.path),
    ["model.name", "tools[0].name", "soll"],
  );
  assert.match(told.json.errors[1].message, /did you mean "bash"/);
  const inside = await post(
    await packed(
      entry("agent.yaml", agentYaml("one", "soul: ./MISSING.md")),
      entry("SOUL.md"),
      entry("directives/a.md", "\u00e4"),
    ),
    "gzip",
  );
  assert.equal(inside.status, 422);
  assert.equal(inside.json.errors[0].path, "soul");
  const broken = await post(await packed(entry("agent.yaml", "name: [")), "gzip");
  assert.equal(broken.status, 422);
  assert.deepEqual(await readdir(join(folder, "sys/dyn_agents")).catch(() => []), []);
});

test("what is not even YAML, JSON or a package is a bad request, with its place", async (t) => {
  const { post } = await served(t);
  const yaml = await post("name: one\nmodel: {\n", "yaml");
  assert.equal(yaml.status, 400);
  assert.match(yaml.json.errors[0].message, /line \d+, column \d+/);
  assert.equal((await post("[".repeat(100), "json")).status, 400);
  assert.equal((await post('{"name": 1, "name": 2}', "json")).status, 400);
  assert.equal((await post(Buffer.from([0x6e, 0xff]), "yaml")).status, 400);
  const nines = Array.from(
    { length: 9 },
    (_, at) =>
      `n${at}: &n${at} [${Array(9)
        .fill(at === 0 ? "x" : `*n${at - 1}`)
        .join(",")}]`,
  );
  const bomb = `${nines.join("\n")}\n`;
  assert.equal((await post(bomb, "yaml")).status, 400);
  for (const bytes of ["nothing", gzipSync("x".repeat(2_000)).subarray(0, 20)]) {
    const told = await post(bytes, "gzip");
    assert.deepEqual([told.status, told.json.type], [400, "urn:duragent:problem:bad-request"]);
  }
  assert.equal((await post(gzipSync("x".repeat(2_000)), "gzip")).status >= 400, true);
});

test("what is too large is refused before it is unpacked", async (t) => {
  const { post } = await served(t);
  const definition = await post(`${agentYaml("one")}# ${"x".repeat(300_000)}`, "yaml");
  assert.deepEqual([definition.status, definition.json.type], [413, "urn:duragent:problem:too-large"]);
  const bomb = gzipSync(Buffer.alloc(120 * 1024 * 1024), { level: 1 });
  assert.equal((await post(bomb, "gzip")).status, 413);
  const head = { "content-type": "application/gzip", "content-length": String(65 * 1024 * 1024) };
  const { http } = await served(t);
  assert.equal((await ask(http, { method: "POST", path, headers: head })).status, 413);
  const much = await packed(entry("agent.yaml", agentYaml("one")), entry("big.md", "x".repeat(1_100_000)));
  const told = await post(much, "gzip");
  assert.deepEqual([told.status, told.json.errors[0].path], [422, "big.md"]);
});

test("a definition of any other media type is not read", async (t) => {
  const { post } = await served(t);
  for (const type of ["x-yaml", "yaml; charset=latin1", "x-tar", "octet-stream"]) {
    assert.equal((await post(agentYaml("one"), type)).status, 415, type);
  }
  for (const type of ["yaml", "json"]) {
    assert.equal((await post(agentYaml("one"), type, {}, `${path}/import`)).status, 415, type);
  }
  assert.equal((await post(agentYaml("one"), "yaml", { "content-encoding": "gzip" })).status, 415);
});

const hostile: [what: string, entry: ReturnType<typeof entry>][] = [
  ["a path that leads up", entry("../evil.md")],
  ["a path that leads up inside", entry("skills/../../evil.md")],
  ["an absolute path", entry("/tmp/evil.md")],
  ["a backslash", entry("a\\b.md")],
  ["a control character", entry("a\u0007.md")],
  ["a path that is far too deep", entry(`${"d/".repeat(40)}x.md`)],
  ["a name that no disk takes", entry(`${"n".repeat(300)}.md`)],
  ["a symbolic link", entry("SOUL.md", "", { type: "symlink", linkname: "/etc/passwd" })],
  ["a hard link", entry("SOUL.md", "", { type: "link", linkname: "agent.yaml" })],
  ["a device", entry("null", "", { type: "character-device" })],
  ["a pipe", entry("pipe", "", { type: "fifo" })],
  ["the same file twice", entry("agent.yaml", agentYaml("two"))],
  ["a file inside a file", entry("agent.yaml/x.md")],
];
for (const [what, bad] of hostile) {
  test(`a package with ${what} is refused whole`, async (t) => {
    const { folder, post } = await served(t);
    for (const to of [path, `${path}/import`]) {
      const told = await post(await packed(entry("agent.yaml", agentYaml("one")), bad), "gzip", {}, to);
      assert.deepEqual([told.status, told.json.type], [422, "urn:duragent:problem:unprocessable"], told.text);
      assert.equal(told.json.errors.length, 1);
    }
    assert.deepEqual(await readdir(folder), ["agents"]);
  });
}

test("what is not the agent's own stays out of a package: memory, hidden files, what was always allowed", async (t) => {
  const { folder, post } = await served(t);
  const others = ["memory/day.md", ".git/config", "policy.local.yaml", "node_modules/x/index.js", "._agent.yaml"];
  const own = ["agent.yaml", "policy.yaml", ".agents/skills/a/SKILL.md"];
  const content = (name: string) => (name === "agent.yaml" ? agentYaml("one") : "mode: ask");
  const told = await post(await packed(...[...own, ...others].map((name) => entry(name, content(name)))), "gzip");
  assert.equal(told.json.action, "created");
  assert.deepEqual((await readdir(join(folder, "sys/dyn_agents/one"))).toSorted(), [
    ".agents",
    "agent.yaml",
    "policy.yaml",
  ]);
});

test("an archive of the tar program is taken in either layout, and tools may still be run", async (t) => {
  const { folder, post } = await served(t);
  const source = await temporaryFolder(t);
  await mkdir(join(source, "one/tools/hello"), { recursive: true });
  await writeFile(join(source, "one/agent.yaml"), agentYaml("one"));
  await writeFile(join(source, "one/SOUL.md"), "I am one.");
  await writeFile(join(source, "one/tools/hello/run"), "#!/bin/sh\necho hello\n", { mode: 0o755 });
  const actions = [];
  for (const args of [
    ["-C", source, "one"],
    ["-C", join(source, "one"), "."],
  ]) {
    const { stdout } = await run("tar", ["cz", ...args], { encoding: "buffer" });
    const told = await post(stdout, "gzip", {}, `${path}/import`);
    actions.push(told.json.action);
  }
  assert.deepEqual(actions, ["created", "unchanged"]);
  const { stdout } = await run(join(folder, "sys/dyn_agents/one/tools/hello/run"));
  assert.equal(stdout, "hello\n");
});

test("what one server exports, static or deployed, another imports as it was", async (t) => {
  const files = { "SOUL.md": "I am one.", "policy.yaml": "mode: ask", "memory/day.md": "secret" };
  const from = await served(t, {
    "agents/folder/agent.yaml": agentYaml("one"),
    ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`agents/folder/${name}`, text])),
    "agents/two.yaml": agentYaml("two"),
    "secret.md": "secret",
  });
  await symlink("../../secret.md", join(from.folder, "agents/folder/LINK.md"));
  const to = await served(t);
  const source = createClient({ baseUrl: from.http.url });
  const target = createClient({ baseUrl: to.http.url });
  const archive = await source.exportAgent("one");
  const names = (await unpackTar(gunzipSync(archive))).map(({ header }) => header.name);
  assert.deepEqual(names, ["one/SOUL.md", "one/agent.yaml", "one/policy.yaml"]);
  assert.deepEqual(await target.importAgent(archive), { agent: "one", action: "created" });
  assert.deepEqual(Buffer.from(await target.exportAgent("one")), Buffer.from(archive));
  assert.deepEqual(await target.importAgent(await source.exportAgent("two")), { agent: "two", action: "created" });
  assert.equal(await readFile(join(to.folder, "sys/dyn_agents/one/SOUL.md"), "utf8"), "I am one.");
  const refused = await ask(to.http, { path: `${path}/none/export` });
  assert.deepEqual([refused.status, refused.json.type], [404, "urn:duragent:problem:agent-not-found"]);
});

test("the client deploys texts, objects and packages, and removes them under a condition", async (t) => {
  const { http } = await served(t);
  const client = createClient({ baseUrl: http.url });
  assert.deepEqual(await client.deployAgent(agentYaml("one")), { agent: "one", action: "created" });
  const model = { provider: "ollama", name: "small" };
  assert.deepEqual(await client.deployAgent({ name: "one", model }), { agent: "one", action: "updated" });
  await assert.rejects(client.removeAgent("one", { ifMatch: '"x"' }), { code: "precondition-failed" });
  assert.deepEqual(await client.deployAgent(await client.exportAgent("one")), { agent: "one", action: "unchanged" });
  await client.removeAgent("one");
  assert.deepEqual((await client.listAgents()).agents, []);
});

test("an agent that comes over the API may not say where the server's key is sent to", async (t) => {
  const { post, catalog } = await served(t);
  const at = (provider: string) => `{ provider: ${provider}, name: x, base_url: "https://evil.example/v1" }`;
  const refused = [
    [`name: one\nmodel: ${at("anthropic")}\n`, ["model.base_url"]],
    [`name: one\nmodel: ${at("surely-unknown")}\n`, ["model.base_url"]],
    [
      `name: one\nmodel: { provider: ollama, name: x, fallbacks: [${at("ollama")}, ${at("openai")}] }\n`,
      ["model.fallbacks[1].base_url"],
    ],
    [
      `apiVersion: duragent/v1alpha1\nkind: Agent\nmetadata: { name: one }\nspec: { model: ${at("openrouter")} }\n`,
      ["spec.model.base_url"],
    ],
  ] as const;
  for (const [definition, paths] of refused) {
    const told = await post(definition, "yaml");
    assert.equal(told.status, 422);
    assert.deepEqual(
      told.json.errors.map((error: { path: string }) => error.path),
      paths,
    );
    assert.match(told.json.detail, /set models\.providers\.NAME\.base_url in duragent\.yaml/);
    assert.throws(() => catalog.inline(definition), { code: "unprocessable" });
  }
  assert.equal((await post(`name: one\nmodel: ${at("ollama")}\n`, "yaml")).status, 200, "no key goes there");
});
