import assert from "node:assert/strict";
import { createServer } from "node:http";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { test } from "node:test";

import type { CommandContext } from "../../../src/surfaces/cli/context.ts";
import type { Ground, ServerRecord } from "../../../src/surfaces/cli/ground.ts";
import { openServer } from "../../../src/surfaces/cli/server/connect.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const sessionId = "session_01M7ZH2FAK3EYYDGB0R4VDZZPD";

test("a server that announces itself just after it was looked for is still known as one of the background", async (t) => {
  const dataDir = await temporaryFolder(t);
  const socket = join(dataDir, "server.sock");
  const server = createServer((request, response) => {
    if (request.url?.startsWith("/readyz")) return response.end('{"status":"ok"}');
    response.setHeader("content-type", "text/event-stream");
    response.end('event: bye\ndata: {"reason":"stopped","retry_ms":1}\n\n');
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.after(() => server.close());

  const announced: ServerRecord = { pid: 1, started_at: "2026-11-21T12:00:00.000Z", socket, version: "0" };
  const records = [null, announced];
  const ground: Pick<Ground, "place" | "serverRecord"> = {
    place: () =>
      Promise.resolve({
        dataDir,
        configFile: null,
        agentsDir: join(dataDir, "agents"),
        apiToken: undefined,
        adminToken: undefined,
      }),
    serverRecord: () => Promise.resolve(records.length > 1 ? (records.shift() ?? null) : announced),
  };
  const context: CommandContext = {
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    cwd: dataDir,
    env: {},
    ground: () => Promise.resolve(ground as Ground),
    onInterrupt: () => () => undefined,
  };
  const api = await openServer(context, { json: false, verbosity: 0 });
  const stop = new AbortController();
  for await (const item of api.link(sessionId).items({ after: 0, attach: true, signal: stop.signal })) {
    assert.deepEqual(item, { kind: "stopped", mayStart: true });
    break;
  }
  stop.abort();
});
