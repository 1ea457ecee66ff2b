import assert from "node:assert/strict";
import { test } from "node:test";

import { createSystemClock } from "../../src/adapters/clock/system.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Lease, SessionStore } from "../../src/ports/session-store.ts";
import { sessionIdSchema, messageIdSchema, turnIdSchema, type SessionId } from "../../src/schema/ids.ts";
import type { EventDraft, SessionEvent } from "../../src/schema/session-event.ts";

/** Opens a store on what an earlier call has left behind: a restart of the process. */
export type StoreFactory = {
  clock: Clock & { advance(ms: number): void };
  open(): Promise<SessionStore>;
};

const idClock = createSystemClock();

export function newSessionId(): SessionId {
  return sessionIdSchema.parse(`session_${idClock.ulid()}`);
}

const timestamp = (clock: Clock) => new Date(clock.now()).toISOString();

export function started(id: SessionId, clock: Clock): EventDraft {
  return {
    timestamp: timestamp(clock),
    type: "session_start",
    format: 1,
    session_id: id,
    agent: "demo",
    on_disconnect: "pause",
  };
}

export function message(clock: Clock, content: string, key?: string): EventDraft {
  const message_id = messageIdSchema.parse(`msg_${idClock.ulid()}`);
  return {
    timestamp: timestamp(clock),
    type: "user_message",
    message_id,
    content,
    source: "http",
    delivery: "steer",
    ...(key !== undefined && { idempotency_key: key }),
  };
}

export function turnStarted(clock: Clock): EventDraft {
  const turn_id = turnIdSchema.parse(`turn_${idClock.ulid()}`);
  return { timestamp: timestamp(clock), type: "turn_start", turn_id, message_ids: [], agent_digest: "d" };
}

export function failed(clock: Clock, text: string): EventDraft {
  return { timestamp: timestamp(clock), type: "error", code: "internal-error", message: text, retryable: false };
}

function used(clock: Clock): EventDraft {
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  return { timestamp: timestamp(clock), type: "usage_recorded", usage, model: "m", reason: "failed attempt" };
}

export async function collect(events: AsyncIterable<SessionEvent>): Promise<SessionEvent[]> {
  return Array.fromAsync(events);
}

export async function acquired(store: SessionStore, id: SessionId): Promise<Lease> {
  const lease = await store.acquire(id, "worker");
  assert.ok(!("kind" in lease), "somebody else holds the session");
  return lease;
}

async function created(store: SessionStore, clock: Clock): Promise<SessionId> {
  const id = newSessionId();
  const made = await store.create(id, [started(id, clock)]);
  assert.equal(made.kind, "created");
  if (made.kind === "created") await made.durable;
  return id;
}

async function append(
  store: SessionStore,
  id: SessionId,
  drafts: EventDraft[],
  lease?: Lease,
): Promise<SessionEvent[]> {
  const appended = await store.append(id, idClock.ulid(), drafts, lease ? { lease } : {});
  assert.equal(appended.kind, "appended");
  if (appended.kind !== "appended") return [];
  await appended.durable;
  return appended.events;
}

let appends = 0;
const appendId = () => `append-${(appends += 1)}`;

/** What every backend of the session store must do. */
export function testSessionStore(name: string, makeFactory: () => StoreFactory | Promise<StoreFactory>): void {
  const check = (sentence: string, body: (factory: StoreFactory, store: SessionStore) => Promise<void>): void => {
    test(`${name}: ${sentence}`, async () => {
      const factory = await makeFactory();
      const store = await factory.open();
      try {
        await body(factory, store);
      } finally {
        await store.shutdown();
      }
    });
  };

  check("numbers events from 1 without gaps and gives them back as they were", async ({ clock }, store) => {
    const id = await created(store, clock);
    const lease = await acquired(store, id);
    const appended = [
      ...(await append(store, id, [message(clock, "one"), message(clock, "zwei ✓ \u2028")])),
      ...(await append(store, id, [turnStarted(clock), failed(clock, "no")], lease)),
    ];
    const events = await collect(store.read(id));
    assert.deepEqual(
      events.map((event) => event.seq),
      [1, 2, 3, 4, 5],
    );
    assert.deepEqual(events.slice(1), appended);
    assert.deepEqual(
      events.map((event) => event.epoch),
      [undefined, undefined, undefined, lease.epoch, lease.epoch],
    );
  });

  check("stores a NUL and a lone surrogate as U+FFFD", async ({ clock }, store) => {
    const id = await created(store, clock);
    const [event] = await append(store, id, [message(clock, "a\0b\ud800c")]);
    assert.equal(event?.type === "user_message" && event.content, "a\uFFFDb\uFFFDc");
    assert.deepEqual((await collect(store.read(id, { after: 1 })))[0], event);
  });

  check("reads a part of a log, forwards and backwards", async ({ clock }, store) => {
    const id = await created(store, clock);
    for (let n = 0; n < 30; n += 1) await append(store, id, [message(clock, "x".repeat(n * 400))]);
    const seqs = async (options: Parameters<SessionStore["read"]>[1]) =>
      (await collect(store.read(id, options))).map((e) => e.seq);
    assert.deepEqual(await seqs({ after: 27 }), [28, 29, 30, 31]);
    assert.deepEqual(await seqs({ after: 3, limit: 2 }), [4, 5]);
    assert.deepEqual(await seqs({ backwards: true, limit: 3 }), [31, 30, 29]);
    assert.deepEqual(await seqs({ backwards: true, after: 28 }), [31, 30, 29]);
    assert.deepEqual(await seqs({ after: 31 }), []);
  });

  check("refuses an id that is taken", async ({ clock }, store) => {
    const id = await created(store, clock);
    await assert.rejects(store.create(id, [started(id, clock)]), { code: "conflict" });
  });

  check("gives the session that a creation key made, also after a restart", async (factory, store) => {
    const { clock } = factory;
    const [first, second] = [newSessionId(), newSessionId()];
    const made = await Promise.all([
      store.create(first, [started(first, clock)], { key: "k", digest: "d" }),
      store.create(second, [started(second, clock)], { key: "k", digest: "e" }),
    ]);
    assert.deepEqual(made[1], { kind: "existing", sessionId: first, digest: "d" });
    if (made[0].kind === "created") await made[0].durable;
    await store.shutdown();
    const again = await factory.open();
    const found = await again.create(second, [started(second, clock)], { key: "k", digest: "e" });
    assert.deepEqual(found, { kind: "existing", sessionId: first, digest: "d" });
    assert.equal((await again.list({ limit: 10 })).length, 1);
    await again.shutdown();
  });

  check(
    "answers a repeated idempotency key with the first event, also after a restart, for 24 hours",
    async (factory, store) => {
      const { clock } = factory;
      const id = await created(store, clock);
      const draft = message(clock, "once", "key");
      const [first, second] = await Promise.all([
        store.append(id, appendId(), [draft], { idempotencyKey: "key" }),
        store.append(id, appendId(), [message(clock, "twice", "key")], { idempotencyKey: "key" }),
      ]);
      assert.equal(first.kind, "appended");
      assert.ok(second.kind === "duplicate");
      await second.durable;
      assert.equal(second.event.seq, 2);
      await store.shutdown();
      const again = await factory.open();
      const third = await again.append(id, appendId(), [message(clock, "thrice", "key")], { idempotencyKey: "key" });
      assert.ok(third.kind === "duplicate");
      assert.deepEqual(third.event, second.event);
      clock.advance(24 * 60 * 60 * 1000 + 1);
      const later = await again.append(id, appendId(), [message(clock, "new", "key")], { idempotencyKey: "key" });
      assert.equal(later.kind, "appended");
      await again.shutdown();
    },
  );

  check("keeps the newest 1,000 keys", async ({ clock }, store) => {
    const id = await created(store, clock);
    await append(
      store,
      id,
      Array.from({ length: 1001 }, (_, n) => message(clock, "m", `key-${n}`)),
    );
    const oldest = await store.append(id, appendId(), [message(clock, "m", "key-0")], { idempotencyKey: "key-0" });
    assert.equal(oldest.kind, "appended");
    const newest = await store.append(id, appendId(), [message(clock, "m", "key-1000")], {
      idempotencyKey: "key-1000",
    });
    assert.equal(newest.kind, "duplicate");
  });

  check("refuses what expects another end of the log", async ({ clock }, store) => {
    const id = await created(store, clock);
    const append = (head: number) => store.append(id, appendId(), [message(clock, "x")], { expectedHead: head });
    const [first, second] = await Promise.all([append(1), append(1)]);
    assert.equal(first.kind, "appended");
    assert.deepEqual(second, { kind: "conflict", head: 2 });
  });

  check("decides in the log's own queue on all that is new", async ({ clock }, store) => {
    const id = await created(store, clock);
    const pending = store.append(id, appendId(), [message(clock, "first")], {});
    let seen: number[] = [];
    const locked = await store.appendLocked(id, appendId(), { after: 1 }, (news) => {
      seen = news.map((event) => event.seq);
      return [message(clock, "second")];
    });
    assert.equal((await pending).kind, "appended");
    assert.ok(locked.kind === "appended");
    assert.deepEqual(seen, [2]);
    assert.equal(locked.events[0]?.seq, 3);
    const nothing = await store.appendLocked(id, appendId(), { after: 3 }, () => []);
    assert.ok(nothing.kind === "appended");
    assert.equal(nothing.events.length, 0);
  });

  check("takes nothing after the end of a session", async ({ clock }, store) => {
    const id = await created(store, clock);
    const lease = await acquired(store, id);
    await append(store, id, [{ timestamp: timestamp(clock), type: "session_end", reason: "completed" }], lease);
    assert.deepEqual(await store.append(id, appendId(), [message(clock, "late")], {}), { kind: "ended" });
  });

  check("lets one worker at a time run a session, and fences who lost it", async (factory, store) => {
    const { clock } = factory;
    const id = await created(store, clock);
    const lease = await acquired(store, id);
    assert.equal(lease.previous, "none");
    assert.deepEqual(await store.acquire(id, "other"), { kind: "held", owner: "worker" });
    assert.equal(await store.release(lease, { head: 1, wake: store.wake(lease) }, null), true);
    const fenced = await store.append(id, appendId(), [turnStarted(clock)], { lease });
    assert.deepEqual(fenced, { kind: "fenced" });
    await append(store, id, [turnStarted(clock)], await acquired(store, id));
  });

  check("releases a session only if nothing has come since", async ({ clock }, store) => {
    const id = await created(store, clock);
    const lease = await acquired(store, id);
    const wake = store.wake(lease);
    await append(store, id, [message(clock, "hello")]);
    assert.equal(await store.release(lease, { head: 1, wake }, null), false);
    assert.equal(await store.release(lease, { head: 2, wake }, null), false);
    await store.attach(id, "client", null);
    assert.equal(await store.release(lease, { head: 2, wake: store.wake(lease) - 1 }, null), false);
    assert.equal(await store.release(lease, { head: 2, wake: store.wake(lease) }, null), true);
  });

  check("says who held a session before: itself, a start that ended well, or one that died", async (factory, store) => {
    const { clock } = factory;
    const id = await created(store, clock);
    const first = await acquired(store, id);
    await append(store, id, [turnStarted(clock)], first);
    await store.release(first, { head: 2, wake: store.wake(first) }, null);
    const second = await acquired(store, id);
    assert.equal(second.previous, "self");
    await store.shutdown();

    const restarted = await factory.open();
    const third = await acquired(restarted, id);
    assert.equal(third.previous, "released");
    assert.ok(third.epoch > second.epoch);
    await append(restarted, id, [turnStarted(clock)], third);

    const afterCrash = await factory.open();
    assert.equal((await acquired(afterCrash, id)).previous, "lost");
    await afterCrash.shutdown();
  });

  check(
    "counts acquisitions without release or outcome, and stops at four until a message comes",
    async (factory, store) => {
      const { clock } = factory;
      const id = await created(store, clock);
      let current = store;
      for (let crashes = 0; crashes < 4; crashes += 1) {
        assert.equal((await acquired(current, id)).fruitlessOpens, crashes);
        current = await factory.open();
      }
      await assert.rejects(current.acquire(id, "worker"), { code: "repeated-crash" });
      assert.equal((await current.list({ limit: 1 }))[0]?.problem?.code, "repeated-crash");
      await append(current, id, [message(clock, "try again")]);
      assert.equal((await acquired(current, id)).fruitlessOpens, 0);
      await current.shutdown();
    },
  );

  check("forgets fruitless acquisitions after an outcome of a run", async (factory, store) => {
    const { clock } = factory;
    const id = await created(store, clock);
    await acquired(store, id);
    const second = await factory.open();
    const lease = await acquired(second, id);
    assert.equal(lease.fruitlessOpens, 1);
    await append(second, id, [failed(clock, "a note about the log itself")], lease);
    const third = await factory.open();
    const again = await acquired(third, id);
    assert.equal(again.fruitlessOpens, 2);
    await append(third, id, [used(clock)], again);
    const fourth = await factory.open();
    assert.equal((await acquired(fourth, id)).fruitlessOpens, 0);
    await fourth.shutdown();
  });

  check("offers sessions with work that nobody holds", async ({ clock }, store) => {
    const [first, second] = [await created(store, clock), await created(store, clock)];
    await append(store, first, [message(clock, "hello")]);
    assert.deepEqual(await store.claim("worker", 10), [first]);
    const lease = await acquired(store, first);
    assert.deepEqual(await store.claim("worker", 10), []);
    await store.release(lease, { head: 2, wake: store.wake(lease) }, clock.now() + 1000);
    assert.deepEqual(await store.claim("worker", 10), []);
    clock.advance(1000);
    await store.attach(second, "client", null);
    assert.deepEqual((await store.claim("worker", 10)).toSorted(), [first, second].toSorted());
  });

  check("counts attached clients, and wakes the session when a row expires", async ({ clock }, store) => {
    const id = await created(store, clock);
    await store.attach(id, "poller", 1000);
    await store.attach(id, "stream", null);
    assert.deepEqual(await store.attached(id), { count: 2, expiresAt: clock.now() + 1000 });
    const lease = await acquired(store, id);
    await store.attach(id, "poller", 2000);
    assert.equal(store.wake(lease), lease.wake, "renewing a row changes nothing");
    clock.advance(2000);
    assert.equal(store.wake(lease), lease.wake + 1);
    await store.leave(id, "stream");
    assert.deepEqual(await store.attached(id), { count: 0, expiresAt: null });
    assert.equal(store.wake(lease), lease.wake + 2);
  });

  check("hints at new events of the sessions that are watched", async ({ clock }, store) => {
    const [watched, other] = [await created(store, clock), await created(store, clock)];
    const abort = new AbortController();
    const watch = store.watch(abort.signal);
    watch.add(watched);
    await append(store, other, [message(clock, "x")]);
    await append(store, watched, [message(clock, "x")]);
    const hints = watch[Symbol.asyncIterator]();
    assert.deepEqual(await hints.next(), { done: false, value: { id: watched, head: 2 } });
    abort.abort();
    assert.equal((await hints.next()).done, true);
  });

  check("opens a session from its snapshot with the events that the context needs", async (factory, store) => {
    const { clock } = factory;
    const id = await created(store, clock);
    for (let n = 0; n < 9; n += 1) await append(store, id, [message(clock, `m${n}`)]);
    const snapshot = { version: "v", seq: 8, contextSeq: 5, state: { any: ["thing", 1, null] } };
    await store.saveSnapshot(null, id, snapshot);
    for (const reopen of [false, true]) {
      const current = reopen ? await factory.open() : store;
      const opened = await current.open(id);
      assert.deepEqual(opened.snapshot, snapshot);
      assert.equal(opened.head, 10);
      assert.deepEqual(
        opened.events.map((event) => event.seq),
        [5, 6, 7, 8, 9, 10],
      );
      if (reopen) await current.shutdown();
    }
  });

  check("lists sessions newest first, page by page, with the snapshots that cover them", async (factory, store) => {
    const { clock } = factory;
    const ids: SessionId[] = [];
    for (let n = 0; n < 5; n += 1) ids.unshift(await created(store, clock));
    const [newest] = ids;
    assert.ok(newest);
    const snapshot = { version: "v", seq: 1, contextSeq: 1, state: {} };
    await store.saveSnapshot(null, newest, snapshot);
    const page = await store.list({ limit: 2 });
    assert.deepEqual(
      page.map((summary) => summary.sessionId),
      ids.slice(0, 2),
    );
    assert.deepEqual(page[0]?.snapshot, snapshot);
    assert.equal(page[1]?.snapshot, null);
    const rest = await store.list({ after: ids[1], limit: 10 });
    assert.deepEqual(
      rest.map((summary) => [summary.sessionId, summary.head]),
      ids.slice(2).map((id) => [id, 1]),
    );
    await append(store, newest, [message(clock, "more")]);
    assert.deepEqual((await store.list({ limit: 1 }))[0], { sessionId: newest, head: 2, snapshot: null });
  });

  check("keeps what a deleted session had spent, also over a restart", async (factory, store) => {
    const [id, other] = [newSessionId(), newSessionId()];
    for (const one of [id, other]) await store.create(one, [started(one, factory.clock)]);
    const spent = { agent: "demo", days: [{ day: "2026-01-01", costs: { anthropic: 0.25 } }] };
    await store.delete(id, spent);
    await store.delete(other);
    assert.deepEqual([...(await store.spentByDeleted())], [[id, spent]]);
    await store.shutdown();
    assert.deepEqual([...(await (await factory.open()).spentByDeleted())], [[id, spent]]);
  });

  check("never brings back or gives again what was deleted", async (factory, store) => {
    const { clock } = factory;
    const id = await created(store, clock);
    const lease = await acquired(store, id);
    await store.delete(id);
    assert.equal(lease.signal.aborted, true);
    for (const current of [store, await factory.open()]) {
      await assert.rejects(collect(current.read(id)), { code: "session-ended" });
      await assert.rejects(current.open(id), { code: "session-ended" });
      await assert.rejects(current.create(id, [started(id, clock)]), { code: "session-ended" });
      await assert.rejects(current.append(id, appendId(), [message(clock, "x")], {}), { code: "session-ended" });
      assert.deepEqual(await current.list({ limit: 10 }), []);
      if (current !== store) await current.shutdown();
    }
  });

  check("does not know a session that was never made, nor an id that is none", async ({ clock }, store) => {
    await assert.rejects(collect(store.read(newSessionId())), { code: "session-not-found" });
    await assert.rejects(store.append(newSessionId(), appendId(), [message(clock, "x")], {}), {
      code: "session-not-found",
    });
    for (const bad of ["..", "../../etc/passwd", "session_", "session_01ARZ3NDEKTSV4RRFFQ69G5FA\0"]) {
      await assert.rejects(collect(store.read(bad as SessionId)), { code: "bad-request" });
    }
  });

  check("goes on after a log was closed", async ({ clock }, store) => {
    const id = await created(store, clock);
    await store.close(id);
    await append(store, id, [message(clock, "x")]);
    assert.equal((await collect(store.read(id))).length, 2);
  });

  check("gives every acknowledged event back after a restart", async (factory, store) => {
    const { clock } = factory;
    const id = await created(store, clock);
    await Promise.all(Array.from({ length: 50 }, (_, n) => append(store, id, [message(clock, `m${n}`)])));
    const before = await collect(store.read(id));
    const again = await factory.open();
    assert.deepEqual(await collect(again.read(id)), before);
    assert.deepEqual(
      before.map((event) => event.seq),
      Array.from({ length: 51 }, (_, n) => n + 1),
    );
    await again.shutdown();
  });

  check("exports a log that verifies", async ({ clock }, store) => {
    const id = await created(store, clock);
    await append(store, id, [message(clock, "x")]);
    const chunks = await Array.fromAsync(store.export(id));
    const lines = Buffer.concat(chunks).toString().trimEnd().split("\n");
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).seq),
      [1, 2],
    );
    const report = await store.verify(id);
    assert.equal(report.events, 2);
    assert.deepEqual(report.problems, []);
  });
}
