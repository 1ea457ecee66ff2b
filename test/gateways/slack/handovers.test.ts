import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { Handovers, type Inbound } from "../../../gateways/slack/src/handovers.ts";

type Delivery = { readonly event: Inbound; readonly take: () => void };

/** A core of which a test says when it has what. */
function heldCore(t: TestContext) {
  const deliveries: Delivery[] = [];
  const log: string[] = [];
  const stop = new AbortController();
  t.after(() => stop.abort());
  const deliver = (event: Inbound): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    stop.signal.addEventListener("abort", () => reject(new Error("given up")));
    deliveries.push({ event, take: resolve });
    return promise;
  };
  const core = { deliver, log: (message: string) => void log.push(message), stopping: stop.signal };
  return { core, deliveries, log, stop };
}

const event = (id: string, chatId = "D1"): Inbound => ({
  type: "callback_query",
  callback_query_id: id,
  chat_id: chatId,
  sender: { id: "U1" },
  data: "x",
});
const turn = (): Promise<void> => new Promise(setImmediate);
const soonMs = 1;
const neverMs = 60_000;

test("what the core does not take in time is said to be late, and is waited for", async (t) => {
  const { core, deliveries } = heldCore(t);
  const handovers = new Handovers(core, soonMs);
  assert.equal(await handovers.take({ chatId: "D1", id: "1" }, () => Promise.resolve(event("1"))), "late");
  deliveries[0]?.take();
  await turn();
  assert.equal(await handovers.take({ chatId: "D1", id: "1" }, () => Promise.resolve(event("1"))), "durable");
  assert.equal(deliveries.length, 1);
});

test("a second delivery of the same waits with the first, and is not handed over", async (t) => {
  const { core, deliveries } = heldCore(t);
  const handovers = new Handovers(core, neverMs);
  const taken = [1, 2].map(() => handovers.take({ chatId: "D1", id: "1" }, () => Promise.resolve(event("1"))));
  await turn();
  assert.equal(deliveries.length, 1);
  deliveries[0]?.take();
  assert.deepEqual(await Promise.all(taken), ["durable", "durable"]);
});

test("a thousand wait for the core; what comes then is left to Slack, and taken later", async (t) => {
  const { core, deliveries, log } = heldCore(t);
  const handovers = new Handovers(core, neverMs);
  const take = (id: number) => handovers.take({ chatId: "D1", id: `${id}` }, () => Promise.resolve(event(`${id}`)));
  const first = Array.from({ length: 1_000 }, (_, index) => take(index));
  assert.equal(await take(1_000), "full");
  assert.match(log.join(), /1000 of D1 was left to Slack: 1000 messages wait/);
  while (deliveries.length < 1_000) await turn();
  for (const each of deliveries) each.take();
  assert.deepEqual(new Set(await Promise.all(first)), new Set(["durable"]));
  const again = take(1_000);
  while (deliveries.length < 1_001) await turn();
  deliveries.at(-1)?.take();
  assert.equal(await again, "durable");
});

test("one that takes long to be made holds up its own chat, in order, and no other", async (t) => {
  const { core, deliveries } = heldCore(t);
  const handovers = new Handovers(core, neverMs);
  const slow = Promise.withResolvers<Inbound>();
  void handovers.take({ chatId: "D1", id: "1" }, () => slow.promise);
  void handovers.take({ chatId: "D1", id: "2" }, () => Promise.resolve(event("2")));
  void handovers.take({ chatId: "D2", id: "3" }, () => Promise.resolve(event("3", "D2")));
  await turn();
  assert.deepEqual(
    deliveries.map((each) => each.event),
    [event("3", "D2")],
  );
  slow.resolve(event("1"));
  await turn();
  assert.deepEqual(
    deliveries.slice(1).map((each) => each.event),
    [event("1"), event("2")],
  );
});

test("one that cannot be made is said, and does not hold up its chat", async (t) => {
  const { core, deliveries, log } = heldCore(t);
  const handovers = new Handovers(core, neverMs);
  const broken = handovers.take({ chatId: "D1", id: "1" }, () => Promise.reject(new Error("strange")));
  void handovers.take({ chatId: "D1", id: "2" }, () => Promise.resolve(event("2")));
  assert.equal(await broken, "ignored");
  await turn();
  assert.equal(deliveries.length, 1);
  assert.match(log.join(), /strange/);
});

test("when the gateway ends, what the core does not have is not acknowledged", async (t) => {
  const { core, stop } = heldCore(t);
  const taken = new Handovers(core, neverMs).take({ chatId: "D1", id: "1" }, () => Promise.resolve(event("1")));
  await turn();
  stop.abort();
  assert.equal(await taken, "stopped");
});
