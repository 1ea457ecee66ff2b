import assert from "node:assert/strict";
import { test } from "node:test";

import { createClient } from "../../../src/client/client.ts";
import type { GatewayRequest, GatewayStatus } from "../../../src/ports/gateway-host.ts";
import { DuragentError } from "../../../src/schema/problem.ts";
import type { HttpOptions } from "../../../src/surfaces/http/options.ts";
import { tryGateway } from "../../../src/surfaces/http/gateway-body.ts";
import { ask, startHttp } from "../../support/http-harness.ts";
import { createVirtualClock, type VirtualClock } from "../../support/virtual-clock.ts";

const status: GatewayStatus = {
  name: "tg",
  command: "duragent-gateway-telegram",
  state: "ready",
  pid: 42,
  connected: true,
  restarts: 3,
  lastError: "it fell",
  capabilities: ["ack"],
  program: { gateway: "telegram", version: "1.0.0" },
  queue: { inbound: 1, outbound: 2, unanswered: 3 },
};

function fakeGateways(answers: Partial<HttpOptions["gateways"]> = {}) {
  const asked: GatewayRequest[] = [];
  const known = (name: string): void => {
    if (name !== "tg") throw new DuragentError("not-found", `There is no gateway "${name}".`);
  };
  const gateways: HttpOptions["gateways"] = {
    list: () => [status],
    restart: async (name) => (known(name), { ...status, restarts: 0 }),
    ping: async (name) => (known(name), { kind: "pong", connected: true, tookMs: 7 }),
    async ask(_name, request) {
      asked.push(request);
      return { kind: "ok", messageId: "m1" };
    },
    ...answers,
  };
  return { gateways, asked };
}

test("gateways are listed, restarted and tried", async (t) => {
  const { gateways, asked } = fakeGateways();
  const client = createClient({ baseUrl: (await startHttp(t, { http: { gateways } })).url });
  const shown = {
    name: "tg",
    command: "duragent-gateway-telegram",
    state: "ready",
    pid: 42,
    connected: true,
    restarts: 3,
    last_error: "it fell",
    capabilities: ["ack"],
    program: { gateway: "telegram", version: "1.0.0" },
    last_inbound_at: null,
    auth: null,
    queue: { inbound: 1, outbound: 2, unanswered: 3 },
  };
  assert.deepEqual(await client.listGateways(), { gateways: [shown] });
  assert.equal((await client.restartGateway("tg")).restarts, 0);
  const ping = { answered: true, connected: true, took_ms: 7, detail: null };
  assert.deepEqual(await client.testGateway("tg"), { gateway: shown, ping, sent: null });
  const { sent } = await client.testGateway("tg", { chat_id: "7", text: "hello" });
  assert.deepEqual(sent, { ok: true, message_id: "m1", detail: null });
  const [request] = asked;
  assert.deepEqual(
    { ...request, request_id: "" },
    { type: "send_message", request_id: "", chat_id: "7", content: "hello" },
  );
});

test("a try that does not work says why", async (t) => {
  const { gateways } = fakeGateways({
    ping: async () => ({ kind: "silent", detail: "it is failed" }),
    ask: async () => ({ kind: "error", code: "chat_not_found", detail: "no such chat" }),
  });
  const client = createClient({ baseUrl: (await startHttp(t, { http: { gateways } })).url });
  const { ping, sent } = await client.testGateway("tg", { chat_id: "7" });
  assert.deepEqual(ping, { answered: false, connected: null, took_ms: null, detail: "it is failed" });
  assert.deepEqual(sent, { ok: false, message_id: null, detail: "chat_not_found: no such chat" });
});

/** One that is ready at its third look, or never. */
function startingGateway(clock: VirtualClock, readyAfterLooks: number) {
  let looks = 0;
  return {
    list: () => [{ ...status, state: (looks += 1) > readyAfterLooks ? ("ready" as const) : ("starting" as const) }],
    async ping() {
      if (looks > readyAfterLooks) return { kind: "pong" as const, connected: true, tookMs: 7 };
      await clock.sleep(10_000);
      return { kind: "silent" as const, detail: "it has not answered within 10 s" };
    },
    ask: async () => ({ kind: "ok" as const }),
  };
}

test("a gateway that is starting is waited for, and said to be silent after as long as that took", async () => {
  const clock = createVirtualClock({ sleepsPass: true });
  const trial = { name: "tg", requestId: "r", clock, waitMs: 20_000 };
  const { ping } = await tryGateway(startingGateway(clock, 2), trial);
  assert.deepEqual([ping.connected, clock.slept], [true, [50, 50]]);
  const late = await tryGateway(startingGateway(clock, 10_000), trial);
  assert.equal(late.ping.detail, "it was neither ready nor answered within 30 s: it fell");
  assert.equal(clock.monotonic(), 30_100);
});

test("what is not asked rightly, or of no gateway, or by no administrator, is refused", async (t) => {
  const { gateways } = fakeGateways();
  const place = await startHttp(t, {
    http: { gateways },
    access: { apiToken: "api-token-12345", adminToken: "admin-token-1234" },
  });
  const refused: [path: string, json: object, token: string, status: number][] = [
    ["gateways/nobody/restart", {}, "admin-token-1234", 404],
    ["gateways/nobody/test", {}, "admin-token-1234", 404],
    ["gateways/tg/test", { text: "without a chat" }, "admin-token-1234", 400],
    ["gateways/tg/test", { chat: "7" }, "admin-token-1234", 400],
    ["gateways/tg/restart", {}, "api-token-12345", 403],
  ];
  for (const [path, json, token, expected] of refused) {
    const headers = { authorization: `Bearer ${token}` };
    const { status: given } = await ask(place, { method: "POST", path: `/api/v1/admin/${path}`, headers, json });
    assert.equal(given, expected, `${path} ${JSON.stringify(json)}`);
  }
});
