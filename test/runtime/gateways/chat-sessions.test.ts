import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { createSystemClock } from "../../../src/adapters/clock/system.ts";
import { MemoryRecords, MemorySessionStore } from "../../../src/adapters/stores/sessions/memory.ts";
import type { SessionStore } from "../../../src/ports/session-store.ts";
import type { SessionId } from "../../../src/schema/ids.ts";
import { FakeGatewayHost } from "../../support/fake-gateway-host.ts";
import { gate } from "../../support/fake-model.ts";
import { eventsOf, eventually, harness, type Harness } from "../../support/runtime-harness.ts";
import { until } from "../../support/until.ts";

const chat = { gateway: "test", chatId: "c", chatType: "dm" } as const;

/** Starts of one server, each on what the one before has left. */
function lives(t: TestContext) {
  const records = new MemoryRecords();
  const clock = createSystemClock();
  return (host = new FakeGatewayHost(), around: (store: SessionStore) => SessionStore = (store) => store): Harness => {
    const running = harness({ store: around(new MemorySessionStore({ clock, records })), clock, gateways: host });
    t.after(() => running.sessions.stop(0));
    return running;
  };
}

const end = ({ sessions }: Harness, id: SessionId) =>
  sessions.control(id, { action: "end", by: "u1", attached: false }).then(() => undefined);

test("a chat has one open session with each agent, found again by whoever asks", async (t) => {
  const running = lives(t)();
  const { chats } = running.sessions;
  const id = await chats.ensure(chat, "tester");
  assert.equal(await chats.ensure(chat, "tester"), id);
  assert.deepEqual([chats.open(chat, "tester"), chats.open(chat), chats.open(chat, "other")], [id, id, undefined]);
  assert.deepEqual(chats.sessionsOf(chat), [id]);
  const [start] = await eventsOf(running, id);
  assert.ok(start?.type === "session_start");
  assert.deepEqual([start.gateway, start.gateway_chat_id, start.gateway_chat_type], ["test", "c", "dm"]);
});

test("those who ask at the same time share what is made; other chats and gateways have their own", async (t) => {
  const { chats } = lives(t)().sessions;
  const same = await Promise.all(Array.from({ length: 20 }, () => chats.ensure(chat, "tester")));
  assert.equal(new Set(same).size, 1);
  const others = await Promise.all([
    chats.ensure({ ...chat, chatId: "d" }, "tester"),
    chats.ensure({ ...chat, gateway: "other" }, "tester"),
  ]);
  assert.equal(new Set([...same, ...others]).size, 3);
});

test("a chat whose id the log keeps otherwise is refused with one session, not tried with a thousand", async (t) => {
  const { chats, list } = lives(t)().sessions;
  for (let tries = 0; tries < 2; tries += 1)
    await assert.rejects(chats.ensure({ ...chat, chatId: "c\0" }, "tester"), { code: "conflict" });
  assert.equal((await list({ limit: 100 })).sessions.length, 1);
});

test("a session whose end was asked for is no more the chat's", async (t) => {
  const running = lives(t)();
  const { chats } = running.sessions;
  const first = await chats.ensure(chat, "tester");
  const hold = gate();
  running.model.reply({ text: ["x"], hold: hold.opened });
  await running.sessions.send(first, { content: "work", source: "http" });
  await running.model.nextRequest();
  await end(running, first);
  assert.equal(chats.open(chat, "tester"), undefined);
  const second = await chats.ensure(chat, "tester");
  assert.notEqual(second, first);
  assert.deepEqual(chats.sessionsOf(chat), [second]);
  assert.deepEqual(chats.recentOf(chat), [first, second]);
});

test("a restart finds each chat's session again, and waits with new ones until it has looked", async (t) => {
  const start = lives(t);
  const before = start();
  const ended = await before.sessions.chats.ensure(chat, "tester");
  await end(before, ended);
  const open = await before.sessions.chats.ensure(chat, "tester");
  await before.sessions.send(open, { content: "hello", source: "http" });
  await eventually(before, open, (event) => event.type === "turn_end");
  await before.sessions.stop(0);

  const after = start();
  const starting = after.sessions.start();
  assert.equal(await after.sessions.chats.ensure(chat, "tester"), open);
  await starting;
  assert.deepEqual(after.sessions.chats.recentOf(chat), [ended, open]);
});

test("a creation that a crash has interrupted is found, not repeated", async (t) => {
  const start = lives(t);
  // The session is made, and the process dies before anybody hears of it.
  const made = gate();
  const dying = start(undefined, (store) => deaf(store, made.open));
  void dying.sessions.chats.ensure(chat, "tester");
  await made.opened;

  const after = start();
  // Not even looked for: as another worker, which had no part in it.
  const id = await after.sessions.chats.ensure(chat, "tester");
  assert.equal(await after.sessions.chats.ensure(chat, "tester"), id);
  const { sessions } = await after.sessions.list({ limit: 10 });
  assert.deepEqual(
    sessions.map(({ sessionId }) => sessionId),
    [id],
  );
});

test("after a session was deleted, and also after a restart, the chat gets a new one", async (t) => {
  const start = lives(t);
  let running = start();
  const ids = new Set<SessionId>();
  for (let round = 0; round < 3; round += 1) {
    const id = await running.sessions.chats.ensure(chat, "tester");
    assert.ok(!ids.has(id));
    ids.add(id);
    await running.sessions.delete(id);
    assert.equal(running.sessions.chats.open(chat), undefined);
    assert.deepEqual(running.sessions.chats.recentOf(chat), []);
    if (round === 1) {
      await running.sessions.stop(0);
      running = start();
      await running.sessions.start();
    }
  }
});

test("an agent that there is not is refused by its name", async (t) => {
  const { chats } = lives(t)().sessions;
  await assert.rejects(chats.ensure(chat, "nobody"), { code: "agent-not-found" });
  await assert.rejects(chats.ensure(chat, "nobody"), { code: "agent-not-found" });
});

test("a gateway that is lost pauses its chats' work, and one that is ready again takes it up", async (t) => {
  const host = new FakeGatewayHost();
  const running = lives(t)(host);
  const id = await running.sessions.chats.ensure(chat, "tester");
  const hold = gate();
  running.model.reply({ calls: [{ call_id: "c1", tool_name: "none", arguments: {} }], hold: hold.opened });
  await running.sessions.send(id, { content: "work", source: "gateway:test" });
  await running.model.nextRequest();
  host.set("test", { ready: false });
  running.sessions.gatewayChanged("test");
  hold.open();
  await eventually(running, id, (event) => event.type === "status_change" && event.to === "paused");
  // Its run is over: nothing looks at it any more by itself.
  for (let turns = 0; turns < 50; turns += 1) await new Promise(setImmediate);
  assert.deepEqual(host.asked, []);
  host.set("test", { ready: true });
  running.sessions.gatewayChanged("test");
  await eventually(running, id, (event) => event.type === "status_change" && event.cause === "attach");
  await eventually(running, id, (event) => event.type === "gateway_delivery");
});

test("a gateway that comes and goes opens no session that has nothing to do", async (t) => {
  const start = lives(t);
  const before = start();
  await before.sessions.chats.ensure(chat, "tester");
  const busy = await before.sessions.chats.ensure({ ...chat, chatId: "busy" }, "tester");
  before.model.reply({ text: ["x"], hold: new Promise(() => {}) });
  await before.sessions.send(busy, { content: "work", source: "gateway:test" });
  await before.model.nextRequest();
  await before.sessions.stop(0);

  const host = new FakeGatewayHost();
  host.set("test", { ready: false });
  const opened: SessionId[] = [];
  const after = start(host, (store) => telling(store, (id) => opened.push(id)));
  await after.sessions.start();
  opened.length = 0;
  host.set("test", { ready: true });
  after.sessions.gatewayChanged("test");
  await eventually(after, busy, (event) => event.type === "turn_end");
  await until("delivered", () => host.asked.length === 1);
  assert.deepEqual(
    opened.filter((id) => id !== busy),
    [],
  );
});

/** A store that makes a session and never says so. */
function deaf(store: SessionStore, made: () => void): SessionStore {
  return changed(store, {
    create: async (id, events, key) => {
      const created = await store.create(id, events, key);
      if (created.kind === "created") await created.durable;
      made();
      return new Promise(() => {});
    },
  });
}

const telling = (store: SessionStore, opened: (id: SessionId) => void): SessionStore =>
  changed(store, {
    open: (id) => {
      opened(id);
      return store.open(id);
    },
  });

const changed = (store: SessionStore, change: Partial<SessionStore>): SessionStore =>
  new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(change, name) ?? Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
