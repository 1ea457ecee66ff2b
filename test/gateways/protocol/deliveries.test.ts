import assert from "node:assert/strict";
import { test } from "node:test";

import type { GatewayEvent } from "@duragent/gateway-protocol";

import { Deliveries } from "../../../gateways/protocol/src/deliveries.ts";
import { until } from "../../support/until.ts";

const press: GatewayEvent<"callback_query"> = {
  type: "callback_query",
  callback_query_id: "p1",
  chat_id: "c",
  sender: { id: "ann" },
  message_id: "m1",
  data: "x",
};
const never = new AbortController().signal;

function written(againAfterMs: { first: number; last: number }, isAcknowledged = () => true) {
  const events: object[] = [];
  const log: string[] = [];
  const write = (event: object): Promise<void> => Promise.resolve(void events.push(event));
  return {
    events,
    log,
    deliveries: new Deliveries({ write, log: (line) => log.push(line), againAfterMs, isAcknowledged }),
  };
}

test("what the core does not acknowledge is handed over again and again, until it does", async () => {
  const { events, log, deliveries } = written({ first: 1, last: 2 });
  const kept = deliveries.handOver(press, never);
  await until("it was handed over three times", () => events.length >= 3);
  assert.deepEqual(new Set(events), new Set([press]));
  assert.match(log.join(), /the core has not kept press p1 of chat c in 0.001 s; it is handed over again/);
  deliveries.take({ type: "ack", chat_id: "c", callback_query_id: "p1" });
  await kept;
});

test("a core that acknowledges nothing is told once", async () => {
  const { events, deliveries } = written({ first: 1, last: 1 }, () => false);
  await deliveries.handOver(press, never);
  assert.equal(events.length, 1);
});

test("an acknowledgement is for what it names in its chat, and for no other", async () => {
  const { events, deliveries } = written({ first: 60_000, last: 60_000 });
  let isKept = false;
  const kept = deliveries.handOver(press, never).then(() => (isKept = true));
  deliveries.take({ type: "ack", chat_id: "c", callback_query_id: "p2" });
  deliveries.take({ type: "ack", chat_id: "d", callback_query_id: "p1" });
  deliveries.take({ type: "ack", chat_id: "c", message_id: "p1" });
  await new Promise(setImmediate);
  assert.equal(isKept, false);
  deliveries.take({ type: "ack", chat_id: "c", callback_query_id: "p1" });
  await kept;
  assert.equal(events.length, 1);
});

test("whoever stops waiting is told why, and nothing more is written", async () => {
  const { events, deliveries } = written({ first: 1, last: 1 });
  const stop = new AbortController();
  const kept = deliveries.handOver(press, stop.signal);
  stop.abort(new Error("given up"));
  await assert.rejects(kept, /given up/);
  await assert.rejects(deliveries.handOver(press, stop.signal), /given up/);
  const { length } = events;
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(events.length, length);
});

test("what is too long for a line is refused", async () => {
  const write = (): Promise<void> => Promise.reject(new RangeError("too long"));
  const deliveries = new Deliveries({ write, log: () => undefined });
  await assert.rejects(deliveries.handOver(press, never), /too long/);
});
