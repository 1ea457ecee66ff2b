import assert from "node:assert/strict";
import { test } from "node:test";

import type { GatewayTrialBody } from "../../../src/schema/api/gateway.ts";
import { hasWorked, trialLines } from "../../../src/surfaces/cli/output/gateway-lines.ts";

const trial = (gateway: Partial<GatewayTrialBody["gateway"]>): GatewayTrialBody => ({
  gateway: {
    name: "chat",
    command: "./chat",
    state: "ready",
    pid: 1,
    connected: true,
    restarts: 0,
    last_error: null,
    capabilities: [],
    program: { gateway: "echo", version: "1" },
    last_inbound_at: null,
    auth: null,
    queue: { inbound: 0, outbound: 0, unanswered: 0 },
    ...gateway,
  },
  ping: { answered: true, connected: true, took_ms: 2, detail: null },
  sent: null,
});

test("a try has worked where the program is ready and reaches its platform", () => {
  const worked = trial({});
  assert.deepEqual(trialLines(worked), ["ready          echo 1", "answered       in 2 ms, connected to its platform"]);
  assert.equal(hasWorked(worked), true);
  assert.equal(hasWorked({ ...worked, ping: { ...worked.ping, connected: false } }), false);
  assert.equal(hasWorked({ ...worked, sent: { ok: false, message_id: null, detail: "no" } }), false);
});

test("a program that answers and is not ready, or not any more, has not worked, and it is said why", () => {
  const unready = trial({ state: "starting", program: null, last_error: "it has not said ready for 30 s" });
  assert.equal(trialLines(unready)[0], "NOT ready      it is starting: it has not said ready for 30 s");
  const ended = trial({ state: "stopped" });
  assert.deepEqual(trialLines(ended).slice(0, 2), ["ready          echo 1", "NOT ready      it is stopped"]);
  for (const one of [unready, ended]) assert.equal(hasWorked(one), false);
});
