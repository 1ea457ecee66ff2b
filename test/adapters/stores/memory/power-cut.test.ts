import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";

import { FileMemoryStore } from "../../../../src/adapters/stores/memory/files.ts";
import type { MemoryStore, NewMemory } from "../../../../src/ports/memory-store.ts";
import { contents, note } from "../../../suites/memory-store.ts";
import { SimulatedDisk } from "../../../support/simulated-disk.ts";

const open = (disk: SimulatedDisk): MemoryStore => new FileMemoryStore({ folder: "/data/memory", fs: disk.mount() });

/** More than the operations of one write. */
const operationsMax = 25;

const writes: [what: string, kind: NewMemory["kind"], both: string[]][] = [
  ["an entry", "note", ["new", "old"]],
  ["MEMORY.md", "memory", ["new"]],
];
for (const [what, kind, both] of writes)
  test(`${what} is there whole or not at all after a power cut, once it was acknowledged, and repeats to one`, async () => {
    const property = fc.asyncProperty(
      fc.nat({ max: operationsMax }),
      fc.infiniteStream(fc.nat(999)),
      async (at, chance) => {
        const disk = new SimulatedDisk();
        const random = (): number => Number(chance.next().value) / 1000;
        await open(disk).put("one", note("old", { kind, idempotencyKey: "old" }));
        disk.powerCut(random);
        assert.deepEqual(await contents(open(disk), "one"), ["old"], "acknowledged");

        const change = note("new", { kind, idempotencyKey: "new" });
        disk.stopAfter(at);
        const put = open(disk).put("one", change);
        const isDone = await Promise.race([put.then(() => true), disk.died.then(() => false)]);
        disk.powerCut(random);
        const found = await contents(open(disk), "one");
        if (isDone || found.length !== 1 || found[0] !== "old") assert.deepEqual(found, both);

        await open(disk).put("one", change);
        disk.powerCut(random);
        assert.deepEqual(await contents(open(disk), "one"), both);
      },
    );
    await fc.assert(property, { numRuns: 150 });
  });
