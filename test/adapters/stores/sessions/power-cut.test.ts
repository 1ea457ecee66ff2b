import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import type { SessionStore } from "../../../../src/ports/session-store.ts";
import type { SessionId } from "../../../../src/schema/ids.ts";
import type { SessionEvent } from "../../../../src/schema/session-event.ts";
import { SimulatedDisk } from "../../../support/simulated-disk.ts";
import { openFiles, readAll, testClock } from "../../../support/stored-session.ts";
import { failed, message, newSessionId, started } from "../../../suites/session-store.ts";

/** What happened as a client saw it. */
class Witness {
  readonly submitted = new Set<string>();
  /** By session and seq: what was acknowledged, or read from a store, and must be there for ever. */
  readonly promised = new Map<SessionId, Map<number, SessionEvent>>();

  promise(id: SessionId, events: readonly SessionEvent[]): void {
    const known = this.promised.get(id) ?? new Map<number, SessionEvent>();
    this.promised.set(id, known);
    for (const event of events) known.set(event.seq, event);
  }

  check(id: SessionId, events: readonly SessionEvent[]): void {
    assert.deepEqual(
      events.map((event) => event.seq),
      events.map((_, index) => index + 1),
      "seq has no gaps",
    );
    let epoch = 0;
    for (const event of events) {
      assert.ok((event.epoch ?? epoch) >= epoch, "epochs never decrease");
      epoch = event.epoch ?? epoch;
      if (event.type === "user_message") assert.ok(this.submitted.has(event.content), "nobody submitted this");
    }
    for (const [seq, event] of this.promised.get(id) ?? [])
      assert.deepEqual(events[seq - 1], event, `event ${seq} was promised`);
  }
}

type Command = { session: number; size: number; outcome: boolean; snapshot: boolean; wait: boolean };

const commands = fc.array(
  fc.record({
    session: fc.nat({ max: 1 }),
    size: fc.constantFrom(1, 30, 700, 3000),
    outcome: fc.boolean(),
    snapshot: fc.boolean(),
    wait: fc.boolean(),
  }),
  { minLength: 1, maxLength: 14 },
);

let texts = 0;

async function work(
  store: SessionStore,
  ids: readonly SessionId[],
  plan: readonly Command[],
  witness: Witness,
): Promise<void> {
  const running: Promise<void>[] = [];
  for (const id of ids) {
    if (witness.promised.has(id)) continue;
    const made = await store.create(id, [started(id, testClock)]).catch(() => null);
    if (made?.kind === "created") running.push(made.durable.then(() => witness.promise(id, [])));
  }
  for (const { session, size, outcome, snapshot, wait } of plan) {
    const id = ids[session] ?? ids[0];
    assert.ok(id);
    const doing = perform(store, id, { size, outcome, snapshot }, witness);
    running.push(doing);
    if (wait) await doing;
  }
  await Promise.all(running);
}

async function perform(
  store: SessionStore,
  id: SessionId,
  what: { size: number; outcome: boolean; snapshot: boolean },
  witness: Witness,
): Promise<void> {
  const lease = what.outcome ? await store.acquire(id, "worker") : null;
  const isOurs = lease !== null && !("kind" in lease);
  const text = `${(texts += 1)}`.padEnd(what.size, "·");
  witness.submitted.add(text);
  const draft = isOurs ? failed(testClock, text) : message(testClock, text);
  const appended = await store.append(id, testClock.ulid(), [draft], isOurs ? { lease } : {});
  if (appended.kind !== "appended") return;
  await appended.durable;
  witness.promise(id, appended.events);
  const seq = appended.events.at(-1)?.seq ?? 1;
  if (what.snapshot)
    await store.saveSnapshot(null, id, { version: "v", seq, contextSeq: Math.max(1, seq - 2), state: { seq } });
  if (isOurs) await store.release(lease, { head: seq, wake: store.wake(lease) }, null);
}

/** Reads a session as after a start, from its snapshot and whole; what has been read was shown, so it must stay. */
async function inspect(store: SessionStore, id: SessionId, witness: Witness): Promise<void> {
  let opened;
  try {
    opened = await store.open(id);
  } catch (error) {
    assert.ok(!witness.promised.has(id), `a session that was made is gone: ${String(error)}`);
    return;
  }
  assert.equal(opened.problem, undefined);
  const events = await readAll(store, id);
  witness.check(id, events);
  assert.deepEqual(opened.events, events.slice((opened.snapshot?.contextSeq ?? 1) - 1));
  if (opened.snapshot) assert.deepEqual(opened.snapshot.state, { seq: opened.snapshot.seq });
  witness.promise(id, events);
}

test("no power cut, at any operation of the disk, loses or changes what was acknowledged or shown", async () => {
  await fc.assert(
    fc.asyncProperty(
      commands,
      fc.array(
        fc.record({
          stopAfter: fc.nat({ max: 90 }),
          fates: fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        }),
        {
          minLength: 1,
          maxLength: 3,
        },
      ),
      async (plan, cuts) => {
        const disk = new SimulatedDisk();
        const ids = [newSessionId(), newSessionId()];
        const witness = new Witness();
        for (const { stopAfter, fates } of cuts) {
          disk.stopAfter(stopAfter);
          const life = openFiles(disk.mount()).then(async (store) => {
            for (const id of ids) if (witness.promised.has(id)) await inspect(store, id, witness);
            await work(store, ids, plan, witness);
          });
          await Promise.race([life, disk.died]);
          disk.powerCut(() => fates.next().value ?? 0);
        }
        const store = await openFiles(disk.mount());
        for (const id of ids) await inspect(store, id, witness);
      },
    ),
    { numRuns: 300 },
  );
});

test("under flushed, no death of the process loses what was acknowledged", async () => {
  await fc.assert(
    fc.asyncProperty(commands, fc.nat({ max: 90 }), async (plan, stopAfter) => {
      const disk = new SimulatedDisk();
      const ids = [newSessionId(), newSessionId()];
      const witness = new Witness();
      disk.stopAfter(stopAfter);
      await Promise.race([
        openFiles(disk.mount(), "flushed").then((store) => work(store, ids, plan, witness)),
        disk.died,
      ]);
      disk.kill();
      const store = await openFiles(disk.mount(), "flushed");
      for (const id of ids) await inspect(store, id, witness);
    }),
    { numRuns: 100 },
  );
});

test("a deleted session never comes back, whenever the power is cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: 30 }),
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      async (stopAfter, fates) => {
        const disk = new SimulatedDisk();
        const id = newSessionId();
        const first = await openFiles(disk.mount());
        const made = await first.create(id, [started(id, testClock)], { key: "k", digest: "d" });
        if (made.kind === "created") await made.durable;
        disk.stopAfter(stopAfter);
        let acknowledged = false;
        await Promise.race([first.delete(id).then(() => (acknowledged = true)), disk.died]);
        disk.powerCut(() => fates.next().value ?? 0);
        const store = await openFiles(disk.mount());
        const listed = await store.list({ limit: 1 });
        if (acknowledged) assert.deepEqual(listed, []);
        if (listed.length === 0) await assert.rejects(store.open(id), { code: "session-ended" });
        const again = await store.create(newSessionId(), [], { key: "k", digest: "d" });
        assert.equal(again.kind === "existing" && again.sessionId, id);
      },
    ),
    { numRuns: 100 },
  );
});
