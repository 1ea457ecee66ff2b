import assert from "node:assert/strict";
import { test } from "node:test";

import { createSystemClock } from "../../../src/adapters/clock/system.ts";
import { StdioTransport } from "../../../src/adapters/mcp/stdio-transport.ts";
import { recordingLog } from "../../support/runtime-harness.ts";

test("a server whose processes may not be killed, as those of another user, ends without harm", async (t) => {
  const transport = new StdioTransport({
    program: { argv: ["/bin/sh", "-c", "exit 3"], cwd: "/", env: {} },
    clock: createSystemClock(),
    log: recordingLog([]),
    parse: () => assert.fail("it says nothing"),
  });
  t.mock.method(process, "kill", () => {
    throw Object.assign(new Error("kill EPERM"), { code: "EPERM" });
  });
  const closed = new Promise<void>((resolve) => (transport.onclose = resolve));
  await transport.start();
  await closed;
  assert.equal(transport.endedBy, "it ended with exit code 3");
});
