import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test, type TestContext } from "node:test";

import { startHttp } from "../../support/http-harness.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { until } from "../../support/until.ts";

/** A request whose body comes in pieces of the test's choice, at a server whose clock stands still. */
async function slowRequest(t: TestContext, head: string) {
  const clock = new ManualClock();
  let stored = 0;
  const http = await startHttp(t, { runtime: { clock } });
  const { artifacts } = http.parts;
  artifacts.put = async (agent, name, content) => {
    for await (const piece of content) stored += piece.length;
    return { id: `${agent}/${name}`, name, meta: { content_type: "", bytes: stored, sha256: "", created_at: "" } };
  };
  const socket = connect(http.port, "127.0.0.1");
  t.after(() => socket.destroy());
  let told = "";
  socket.setEncoding("utf8").on("data", (text: string) => (told += text));
  socket.write(`${head}\r\nhost: 127.0.0.1:${http.port}\r\ncontent-length: 100\r\n\r\n`);
  await until("the request is open", () => http.listener.openRequests() === 1);
  return {
    clock,
    send: async (text: string) => {
      const expected = stored + text.length;
      socket.write(text);
      await until("the piece has come", () => stored === expected);
    },
    told: async () => {
      if (!socket.closed) await once(socket, "close");
      return told;
    },
  };
}

test("a body that is not there after a minute is 408", async (t) => {
  const { clock, told } = await slowRequest(t, "POST /api/v1/sessions HTTP/1.1\r\ncontent-type: application/json");
  clock.advance(60_000);
  assert.match(await told(), /^HTTP\/1\.1 408 Request Timeout\r\n[^]*The request did not arrive in time/);
});

test("an upload may take as long as it likes while something comes, and is 408 once nothing does for a minute", async (t) => {
  const { clock, send, told } = await slowRequest(t, "PUT /api/v1/agents/tester/artifacts/a HTTP/1.1");
  for (let minutes = 0; minutes < 10; minutes += 1) {
    await send(`${minutes}`);
    clock.advance(60_000);
  }
  clock.advance(60_000);
  assert.match(await told(), /^HTTP\/1\.1 408 /);
});
