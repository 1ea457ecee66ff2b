import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { createSystemClock } from "../../../src/adapters/clock/system.ts";
import { FileChatIndex } from "../../../src/adapters/stores/chats/files.ts";
import { MemoryChatIndex } from "../../../src/adapters/stores/chats/memory.ts";
import { MemoryRecords, MemorySessionStore } from "../../../src/adapters/stores/sessions/memory.ts";
import type { ChatIndex } from "../../../src/ports/chat-index.ts";
import type { FileSystem } from "../../../src/ports/file-system.ts";
import type { SessionId } from "../../../src/schema/ids.ts";
import { DuragentError } from "../../../src/schema/problem.ts";
import { FakeGatewayHost } from "../../support/fake-gateway-host.ts";
import { eventsOf, harness, type Harness } from "../../support/runtime-harness.ts";
import { SimulatedDisk } from "../../support/simulated-disk.ts";
import { openFiles } from "../../support/stored-session.ts";

const chat = { gateway: "test", chatId: "c", chatType: "dm" } as const;
const keyOf = (message: number): string => `chat:${message}`;
const clock = createSystemClock();

/** Gateways that are away: messages wait, and no turn is in the way of what is looked at here. */
function away(): FakeGatewayHost {
  const host = new FakeGatewayHost();
  host.set("test", { ready: false });
  return host;
}

/** One start of a server on a disk. */
async function life(fs: FileSystem): Promise<Harness> {
  const [store, chatIndex] = await Promise.all([
    openFiles(fs),
    FileChatIndex.open({ folder: "/data/gateways", fs, clock }),
  ]);
  const running = harness({ store, chatIndex, clock, gateways: away() });
  await running.sessions.start();
  return running;
}

/** What a gateway's message goes through, up to its acknowledgement. `null`: it had come before. */
async function take({ sessions }: Harness, message: number): Promise<{ sessionId: SessionId; seq: number } | null> {
  const { chats, seen } = sessions;
  const key = keyOf(message);
  if (await seen.has(chat, key)) return null;
  const sessionId = await chats.ensure(chat, "tester");
  const sent = await sessions.send(sessionId, { content: `${message}`, source: "gateway:test", idempotencyKey: key });
  if (sent.repeated) return null;
  const event = { sessionId, seq: sent.seq };
  await seen.note([{ key, chat, atMs: clock.now(), event }]);
  return event;
}

const reset = async ({ sessions }: Harness): Promise<void> => {
  const id = sessions.chats.open(chat);
  if (id) await sessions.control(id, { action: "end", by: "u1", attached: false });
};

/** What has been promised, over all lives. */
class Witness {
  readonly acknowledged = new Set<number>();
  /** Of messages in logs: the sessions that have, or had, them. */
  readonly taken = new Map<string, Set<SessionId>>();
  readonly deleted = new Set<SessionId>();

  async scan(running: Harness): Promise<void> {
    for (const id of running.sessions.chats.recentOf(chat)) {
      if (this.deleted.has(id)) continue;
      for (const event of await eventsOf(running, id)) {
        if (event.type !== "user_message" || event.idempotency_key === undefined) continue;
        const sessions = this.taken.get(event.idempotency_key) ?? new Set();
        this.taken.set(event.idempotency_key, sessions.add(id));
      }
    }
  }

  check(): void {
    for (const [key, sessions] of this.taken) assert.equal(sessions.size, 1, `${key} was taken in twice`);
    for (const message of this.acknowledged) assert.ok(this.taken.has(keyOf(message)), `${message} is lost`);
  }
}

type Move = { kind: "message"; message: number } | { kind: "reset" } | { kind: "delete" };

async function play(running: Harness, moves: readonly Move[], witness: Witness): Promise<void> {
  for (const move of moves) {
    if (move.kind === "message") {
      await take(running, move.message);
      witness.acknowledged.add(move.message);
    } else if (move.kind === "reset") {
      await reset(running);
    } else {
      await witness.scan(running);
      const [oldest] = running.sessions.chats.recentOf(chat);
      if (!oldest) continue;
      // Whether it is gone when the process dies meanwhile is for the next to see; what it had was scanned.
      await running.sessions.delete(oldest);
      witness.deleted.add(oldest);
    }
  }
}

const moves = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("message" as const), message: fc.nat({ max: 5 }) }) },
    { weight: 2, arbitrary: fc.constant({ kind: "reset" as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: "delete" as const }) },
  ),
  { minLength: 4, maxLength: 12 },
);

/** The next start finds what was promised, whatever a platform delivers again. */
async function inspect(disk: SimulatedDisk, witness: Witness): Promise<void> {
  const last = await life(disk.mount());
  for (const message of witness.acknowledged)
    assert.equal(await take(last, message), null, `${message} was taken in again`);
  await witness.scan(last);
  witness.check();
  await last.sessions.stop(0);
}

test("killed at any operation of its disk, a server takes no message in twice and loses none, also after /reset and DELETE", async () => {
  const plan: Move[] = [
    { kind: "message", message: 1 },
    { kind: "reset" },
    { kind: "message", message: 2 },
    { kind: "delete" },
    { kind: "message", message: 1 },
  ];
  let isWhole = false;
  let operations = 0;
  for (; !isWhole; operations += 1) {
    const disk = new SimulatedDisk();
    const witness = new Witness();
    disk.stopAfter(operations);
    const playing = life(disk.mount()).then((running) => play(running, plan, witness));
    isWhole = (await Promise.race([playing.then(() => "whole"), disk.died])) === "whole";
    disk.kill();
    await inspect(disk, witness);
  }
  assert.ok(operations > 50, `${operations}`);
});

test("after power cuts a message that was acknowledged is there, and one that comes again is taken in once", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(moves, fc.nat({ max: 250 })), { minLength: 1, maxLength: 3 }),
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      async (lives, fates) => {
        const disk = new SimulatedDisk();
        const witness = new Witness();
        for (const [plan, stopAfter] of lives) {
          disk.stopAfter(stopAfter);
          const playing = life(disk.mount()).then((running) => play(running, plan, witness));
          await Promise.race([playing, disk.died]);
          disk.powerCut(() => fates.next().value ?? 0);
        }
        await inspect(disk, witness);
      },
    ),
    { numRuns: 60 },
  );
});

/** A runtime on memory, started anew on what it has left. */
function inMemory(chatIndex: ChatIndex, records = new MemoryRecords()): Harness {
  return harness({ store: new MemorySessionStore({ clock, records }), chatIndex, clock, gateways: away() });
}

test("what a lost index had known is read from the logs of all the chat's sessions of the last week", async () => {
  const records = new MemoryRecords();
  const before = inMemory(new MemoryChatIndex({ clock }), records);
  await take(before, 1);
  await reset(before);
  await take(before, 2);
  await before.sessions.stop(0);

  const after = inMemory(new MemoryChatIndex({ clock }), records);
  await after.sessions.start();
  assert.deepEqual([await take(after, 1), await take(after, 2)], [null, null]);
  assert.ok(await take(after, 3));
  await after.sessions.stop(0);
});

test("only what came after the index is read, once for each chat", async () => {
  const records = new MemoryRecords();
  const chatIndex = new MemoryChatIndex({ clock });
  const before = inMemory(chatIndex, records);
  for (let message = 1; message <= 20; message += 1) await take(before, message);
  await before.sessions.stop(0);

  const after = inMemory(chatIndex, records);
  await after.sessions.start();
  const reads: (number | undefined)[] = [];
  const { store } = after.parts;
  const read = store.read.bind(store);
  store.read = (id, options) => {
    reads.push(options?.after);
    return read(id, options);
  };
  for (let message = 1; message <= 20; message += 1) assert.equal(await take(after, message), null);
  assert.equal(reads.length, 1);
  assert.ok((reads[0] ?? 0) >= 20, `${reads[0]}`);
  await after.sessions.stop(0);
});

test("after a row that could not be written the next message does not hide it", async () => {
  const chatIndex = new MemoryChatIndex({ clock });
  const note = chatIndex.note.bind(chatIndex);
  const records = new MemoryRecords();
  const running = inMemory(chatIndex, records);
  await take(running, 1);
  chatIndex.note = () => Promise.reject(new DuragentError("storage-full", "no room"));
  await assert.rejects(take(running, 2), { code: "storage-full" });
  chatIndex.note = note;
  await take(running, 3);
  await reset(running);
  assert.equal(await take(running, 2), null);
  await running.sessions.stop(0);
});

test("a log stays when what it knows about messages can not be kept without it", async () => {
  const chatIndex = new MemoryChatIndex({ clock });
  const running = inMemory(chatIndex);
  const taken = await take(running, 1);
  assert.ok(taken);
  chatIndex.sync = () => Promise.reject(new DuragentError("storage-failed", "the disk is broken"));
  await assert.rejects(running.sessions.delete(taken.sessionId), { code: "storage-failed" });
  assert.ok((await eventsOf(running, taken.sessionId)).length > 0);
  await running.sessions.stop(0);
});

test("a session of no chat is deleted without a thought of any index", async () => {
  const chatIndex = new MemoryChatIndex({ clock });
  chatIndex.sync = () => Promise.reject(new Error("nobody asked for this"));
  const running = inMemory(chatIndex);
  const { session } = await running.sessions.create({ agent: "tester" });
  await running.sessions.delete(session.sessionId);
  await running.sessions.stop(0);
});
