import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { delimiter, join } from "node:path";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";

import { repository, testEnvironment } from "../support/program.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const execute = promisify(execFile);
/** Its standard input ends at once: `run` would read a message from it. */
function runByNode(args: readonly string[], cwd: string, env: Record<string, string>): Promise<{ stdout: string }> {
  const ended = execute(process.execPath, args, { cwd, env: testEnvironment(cwd, env), timeout: 120_000 });
  ended.child.stdin?.end();
  return ended;
}

/** What a user gets: everything compiled, and no source beside it. */
async function builtPackage(folder: string): Promise<string> {
  await mkdir(folder);
  for (const name of ["src", "gateways", "bin", "scripts", "package.json", "tsconfig.json", "tsconfig.build.json"])
    await cp(join(repository, name), join(folder, name), { recursive: true });
  await symlink(join(repository, "node_modules"), join(folder, "node_modules"));
  const tools = join(repository, "node_modules", ".bin");
  await runByNode([join("scripts", "build.ts"), "gateways/telegram", "."], folder, {
    PATH: `${tools}${delimiter}${process.env["PATH"] ?? ""}`,
  });
  await rm(join(folder, "src"), { recursive: true });
  await rm(join(folder, "gateways", "telegram", "src"), { recursive: true });
  return join(folder, "bin", "duragent.mjs");
}

async function pageOf(html: string, t: TestContext): Promise<string> {
  const server = createServer((_request, response) => response.setHeader("content-type", "text/html").end(html));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return `http://127.0.0.1:${address.port}/`;
}

function agentThatCalls(url: string): Record<string, string> {
  const tools = ["search_files", "list_files", "web"].map((name) => ({ type: "builtin", name }));
  const spec = { model: { provider: "scripted", name: "./script.yaml" }, tools };
  const calls = [
    { name: "search_files", arguments: { pattern: "al(p)ha" } },
    { name: "list_files", arguments: { glob: "**/*.txt" } },
    { name: "web", arguments: { action: "fetch", url } },
  ];
  const rules = calls.flatMap((tool) => [
    { when: `^${tool.name}$`, tool },
    { after_tool: tool.name, say: "{{result}}" },
  ]);
  return {
    "agent.yaml": JSON.stringify({ apiVersion: "duragent/v1alpha1", kind: "Agent", metadata: { name: "all" }, spec }),
    "script.yaml": JSON.stringify({ rules }),
    "policy.yaml": "deny: [bash:sudo]\n",
  };
}

test("what is compiled runs without its source: the server in the background, threads, the reader of command lines", async (t) => {
  const folder = await temporaryFolder(t);
  const bin = await builtPackage(join(folder, "package"));
  const workspace = join(folder, "workspace");
  const agentFolder = join(workspace, ".duragent", "agents", "all");
  const notes = join(workspace, ".duragent", "workspace", "all", "notes.txt");
  await mkdir(agentFolder, { recursive: true });
  await mkdir(join(notes, ".."), { recursive: true });
  await writeFile(notes, "alpha\n");
  await writeFile(join(workspace, "duragent.yaml"), "server: { port: 0 }\nweb: { allow_private: true }\n");
  const url = await pageOf("<h1>A headline</h1>", t);
  for (const [name, text] of Object.entries(agentThatCalls(url))) await writeFile(join(agentFolder, name), text);

  const duragent = async (...args: string[]): Promise<string> =>
    (await runByNode([bin, ...args], workspace, {})).stdout;
  const run = (message: string): Promise<string> => duragent("run", "-a", "all", "--approve", "all", message);
  try {
    assert.match(await run("search_files"), /notes\.txt:1: alpha/);
    assert.match(await run("list_files"), /notes\.txt \(6 bytes\)/);
    assert.match(await run("web"), /^# A headline$/m);
    assert.match(
      await duragent("policy", "check", "-a", "all", "ls && sudo ls").catch((error: unknown) => outputOf(error)),
      /^deny/,
    );
  } finally {
    await duragent("serve", "stop");
  }
  const gateway = join(folder, "package", "gateways", "telegram", "bin", "duragent-gateway-telegram.mjs");
  assert.match((await runByNode([gateway], workspace, {})).stdout, /"type":"shutdown","reason":"stdin was closed"/);
  const { version } = JSON.parse(await readFile(join(repository, "package.json"), "utf8"));
  assert.equal((await duragent("version")).trim(), version);
});

/** `policy check` ends with a code of its own for what is not allowed. */
function outputOf(error: unknown): string {
  return error instanceof Error && "stdout" in error ? String(error.stdout) : String(error);
}
