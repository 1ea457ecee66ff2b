import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { test } from "node:test";

import { killLoop } from "./kill-loop/kill-loop.ts";

test("50 kills under load lose, double and invent nothing, every message is answered, no tool acts twice, and no chat is told a thing twice", async (t) => {
  const seed = Number(process.env["DURAGENT_TEST_SEED"] ?? randomInt(2 ** 31));
  const report = await killLoop(t, { kills: 50, seed });
  const { kills, acknowledgements, events, givenUp, sideEffects, chatMessages, readyMs } = report;
  t.diagnostic(
    `seed ${seed}: ${kills} kills, ${acknowledgements} acknowledgements, ${events} events, ${sideEffects} side effects, ${chatMessages} messages to chats; ` +
      `${givenUp} given up; ready again after ${readyMs.p50} ms (p50), ${readyMs.p99} ms (p99)`,
  );
  assert.deepEqual(report.faults, [], `seed ${seed}`);
  assert.ok(acknowledgements > 1000, `only ${acknowledgements} acknowledgements: that is no load`);
  assert.ok(sideEffects > 20, `only ${sideEffects} side effects: tools did nothing`);
  assert.ok(chatMessages > 20, `only ${chatMessages} messages to chats: nobody talked`);
});
