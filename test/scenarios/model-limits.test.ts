import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { createClient } from "../../src/client/client.ts";
import { startMockProvider } from "../support/mock-provider.ts";
import { startProgram } from "../support/program.ts";
import { workspace } from "./workspaces.ts";

test("a server counts its syncs, asks as often as limits.retry says, and prices what limits.prices names, also changed while it runs", async (t) => {
  await using mock = await startMockProvider();
  mock.otherwise(() => ({
    status: 529,
    body: { type: "error", error: { type: "overloaded_error", message: "Busy" } },
  }));
  const { folder } = await workspace(t, {
    "wired.yaml":
      "name: wired\nmodel: { provider: anthropic, name: made-up }\nlimits: { retry: { base_delay_ms: 0, max_delay_ms: 0 } }\n",
  });
  const config = (limits: string) =>
    writeFile(
      join(folder, "duragent.yaml"),
      `models: { providers: { anthropic: { api_key: k, base_url: "${mock.anthropicUrl}", limits: { retry: { max_attempts: 3 } } } } }\nlimits: ${limits}\n`,
    );
  await config("{ retry: { max_attempts: 2 } }");
  const server = startProgram(t, ["serve", "--port", "0"], { cwd: folder });
  const [url] = await server.shows(/http:\/\/127\.0\.0\.1:\d+/);
  const client = createClient({ baseUrl: url });
  const { session_id: id } = await client.createSession({ agent: "wired", on_disconnect: "continue" });
  await assert.rejects(client.sendMessage(id, { content: "hi" }), { code: "provider-error" });
  assert.equal(mock.requests.length, 2);

  await config('{ prices: { "anthropic/made-up": { input: 1000, output: 0 } } }');
  await server.shows(/"keys":\["limits"\].*configuration has changed/);
  await assert.rejects(client.sendMessage(id, { content: "hi" }), { code: "provider-error" });
  assert.equal(mock.requests.length, 5);
  mock.reply({ chunks: ["Hello."], usage: { input: 50, output: 2 } });
  const answer = await client.sendMessage(id, { content: "hi" });
  assert.equal(answer.kind === "answered" && answer.usage?.cost_usd, 0.05);
  assert.match(await client.metrics(), /^duragent_syncs_total [1-9]/m);
  assert.doesNotMatch(server.stderr, /limits[^"]*needs a later version/);
});
