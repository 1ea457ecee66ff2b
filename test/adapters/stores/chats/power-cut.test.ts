import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { FileChatIndex } from "../../../../src/adapters/stores/chats/files.ts";
import type { ChatIndex, SeenMessage } from "../../../../src/ports/chat-index.ts";
import { chat, idOf, seen } from "../../../suites/chat-index.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { SimulatedDisk } from "../../../support/simulated-disk.ts";

/** A log of messages, each of which is noted after it, in lives that end anywhere. `safe`: as many must be known. */
type World = { log: SeenMessage[]; noted: number; safe: number };

const plans = fc.array(
  fc.record({ rows: fc.integer({ min: 1, max: 4 }), sync: fc.nat({ max: 5 }).map((one) => one === 0) }),
  {
    minLength: 1,
    maxLength: 10,
  },
);
const fates = fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true }));

async function work(index: ChatIndex, clock: ManualClock, plan: { rows: number; sync: boolean }[], world: World) {
  for (const { rows, sync } of plan) {
    const news = Array.from({ length: rows }, (_, at) => {
      const seq = world.log.length + at + 1;
      return seen(clock, `k${seq}`, { event: { sessionId: idOf(1), seq } });
    });
    world.log.push(...news);
    await index.note(news);
    world.noted = world.log.length;
    if (!sync) continue;
    await index.sync(chat.gateway);
    world.safe = world.log.length;
  }
}

/** What the index does not know lies after what it says it has read of the log. */
function check(index: ChatIndex, world: World): void {
  const through = index.through(idOf(1));
  for (const [at, { key }] of world.log.entries()) {
    if (index.has(chat, key)) continue;
    assert.ok(at >= through, `${key} is not known, and would not be looked for in the log`);
    assert.ok(at >= world.safe, `${key} was synced`);
  }
}

for (const cut of ["power cut", "kill"] as const) {
  test(`whatever a ${cut} takes away of the index can be read from the log again; what was synced stays`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(plans, fc.nat({ max: 80 })), { minLength: 2, maxLength: 4 }),
        fates,
        async (lives, fate) => {
          const disk = new SimulatedDisk();
          const clock = new ManualClock();
          const world: World = { log: [], noted: 0, safe: 0 };
          const open = () => FileChatIndex.open({ folder: "/data/gateways", fs: disk.mount(), clock });
          for (const [plan, stopAfter] of lives) {
            disk.stopAfter(stopAfter);
            const life = open().then(async (index) => {
              check(index, world);
              // As the first look at a chat does: what the index has missed is noted again.
              await index.note(world.log.slice(index.through(idOf(1))));
              world.noted = world.log.length;
              await work(index, clock, plan, world);
            });
            await Promise.race([life, disk.died]);
            if (cut === "kill") {
              disk.kill();
              world.safe = world.noted;
            } else disk.powerCut(() => fate.next().value ?? 0);
          }
          check(await open(), world);
        },
      ),
      { numRuns: 200 },
    );
  });
}
