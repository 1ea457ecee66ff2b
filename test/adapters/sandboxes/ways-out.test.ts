import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { lstat, readdir, readFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join, relative } from "node:path";
import { suite, test } from "node:test";

import { canary, missing, openProject, put, sh } from "./sandboxed.ts";
import { waysOut } from "./ways-out.ts";

const files = `duragent.yaml .env .duragent/policy.yaml .duragent/agents/me/policy.yaml .duragent/agents/me/agent.yaml
  .duragent/agents/me/SOUL.md .duragent/agents/me/tools/hello/run .duragent/sessions/one/events.jsonl .duragent/workspace/other/mine.txt`;

/** Every file outside of the workspace, with its mode and content. */
async function pictureOf(folder: string, workspace: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const lines = entries.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    if (path.startsWith(`${workspace}/`) || entry.isSocket()) return [];
    const { mode } = await lstat(path);
    const content = entry.isFile()
      ? createHash("sha256")
          .update(await readFile(path))
          .digest("hex")
      : "";
    return [`${relative(folder, path)} ${mode.toString(8)} ${content}`];
  });
  return (await Promise.all(lines)).flat().toSorted();
}

void suite("ways for an agent's command to change its own rules", { skip: missing }, () => {
  void test(`none of ${Object.keys(waysOut).length} changes a file, reaches the API or reads what it must not`, async (t) => {
    const project = await openProject(t);
    const { folder, dataDir, workspace } = project;
    for (const file of files.split(/\s+/)) await put(join(folder, file), canary, file.endsWith("run") ? 0o755 : 0o600);
    let connections = 0;
    const listen = async (server: Server): Promise<Server> => {
      t.after(() => server.close());
      await once(server, "listening");
      return server;
    };
    const count = (): Server => createServer((socket) => socket.destroy(void (connections += 1)));
    const api = await listen(count().listen(0, "0.0.0.0"));
    await listen(count().listen(join(dataDir, "server.sock")));
    const address = api.address();
    assert.ok(typeof address === "object" && address !== null);

    const sandbox = await project.open();
    const before = await pictureOf(folder, workspace);
    const at = { folder, dataDir, port: address.port, serverPid: process.pid };
    await Promise.all(
      Object.entries(waysOut).map(async ([name, line]) => {
        const { stdout, stderr } = await sh(sandbox, project, line(at), {
          readable: [join(dataDir, "agents/me/tools")],
        });
        assert.doesNotMatch(stdout, new RegExp(`READ|${canary}`), `${name}: ${stdout}${stderr}`);
      }),
    );
    assert.deepEqual(await pictureOf(folder, workspace), before);
    assert.equal(connections, 0);
  });
});
