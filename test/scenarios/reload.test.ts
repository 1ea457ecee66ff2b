import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { startProgram } from "../support/program.ts";
import { workspace } from "./workspaces.ts";

test("SIGHUP reads agents and configuration again, also without watching; an invalid file leaves the last good one in force", async (t) => {
  const { folder, dataDir } = await workspace(t);
  const config = join(folder, "duragent.yaml");
  await writeFile(config, "session: { on_disconnect: pause }\n");
  const server = startProgram(t, ["serve", "--port", "0", "--no-watch"], { cwd: folder });
  const [url] = await server.shows(/http:\/\/127\.0\.0\.1:\d+/);

  await writeFile(join(dataDir, "agents", "second.yaml"), "name: second\nmodel: { provider: ollama, name: small }\n");
  await writeFile(config, "session: { on_disconnect: continue }\nserver: { max_streams: 5 }\n");
  server.child.kill("SIGHUP");
  await server.shows(/"keys":\["session"\].*configuration has changed/);
  await server.shows(/"keys":\["server"\].*need a restart/);

  await writeFile(config, "session: { on_disconnect: maybe }\n");
  server.child.kill("SIGHUP");
  await server.shows(/last good one stays in force/);
  const answer = await fetch(`${url}/health`);
  const health = JSON.parse(await answer.text());
  assert.equal(health.status, "degraded");
  assert.match(JSON.stringify(health.checks.configuration), /on_disconnect/);
  assert.equal(health.checks.agents.loaded, 2);
});
