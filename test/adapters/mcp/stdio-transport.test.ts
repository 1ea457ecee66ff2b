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

const started = async (script: string, more: Partial<ConstructorParameters<typeof StdioTransport>[0]> = {}) => {
  const transport = new StdioTransport({
    program: { argv: [process.execPath, "-e", script], cwd: "/", env: {} },
    clock: createSystemClock(),
    log: recordingLog([]),
    parse: (line) => ({ jsonrpc: "2.0", method: line }),
    ...more,
  });
  const said: string[] = [];
  transport.onmessage = (message) => void ("method" in message && said.push(message.method));
  const closed = new Promise<void>((resolve) => (transport.onclose = resolve));
  await transport.start();
  return { transport, said, closed };
};

test("what a server says just before it ends is heard", async () => {
  // More lines than are read in a second, so that some wait in the pipe when it ends.
  const lines = `("x".repeat(99) + "\\n").repeat(1400) + "last\\n"`;
  const { said, closed, transport } = await started(`require("fs").writeSync(1, ${lines})`);
  await closed;
  assert.equal(said.at(-1), "last");
  assert.equal(transport.endedBy, "it ended with exit code 0");
});

test("a process that left the server's group and keeps its pipe open does not keep the server's end from being seen", async () => {
  const leaves = `const { spawn } = require("child_process");
    const child = spawn("sleep", ["60"], { detached: true, stdio: ["ignore", 1, 2] });
    require("fs").writeSync(1, child.pid + "\\n"); process.exit(0)`;
  const { said, closed, transport } = await started(leaves);
  await closed;
  assert.equal(transport.endedBy, "it ended with exit code 0");
  process.kill(Number(said[0]), "SIGKILL");
});

test("requests to a server that does not read are bounded, and fail with a reason", async () => {
  const { transport, closed } = await started("setInterval(() => {}, 1000)");
  const message = { jsonrpc: "2.0" as const, method: "m", params: { text: "x".repeat(1024 * 1024) } };
  const waiting: Promise<unknown>[] = [];
  const refusal = async (): Promise<string> => {
    for (let index = 0; index < 40; index += 1) {
      const sent = transport.send(message).then(
        () => null,
        (error: unknown) => String(error),
      );
      const now = await Promise.race([
        sent,
        new Promise<undefined>((resolve) => void setImmediate(() => resolve(undefined))),
      ]);
      if (typeof now === "string") return now;
      waiting.push(sent);
    }
    return "none";
  };
  assert.match(await refusal(), /the server does not read what it is sent: \d+ bytes wait already/);
  assert.ok(waiting.length >= 15, String(waiting.length));
  await transport.close();
  await closed;
});
