import assert from "node:assert/strict";
import { test } from "node:test";

import { whenIdle } from "../../src/app/when-idle.ts";

function fakeClock() {
  let now = 0;
  let timers: { at: number; callback: () => void }[] = [];
  return {
    monotonic: () => now,
    after(ms: number, callback: () => void) {
      const timer = { at: now + ms, callback };
      timers.push(timer);
      return () => void (timers = timers.filter((one) => one !== timer));
    },
    pass(ms: number) {
      const until = now + ms;
      for (;;) {
        const next = timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        now = next.at;
        timers = timers.filter((one) => one !== next);
        next.callback();
      }
      now = until;
    },
  };
}

function watched() {
  const clock = fakeClock();
  const state = { busy: false, stopped: 0 };
  const cancel = whenIdle({
    clock: clock as never,
    idleMs: 1000,
    isBusy: () => state.busy,
    onIdle: () => state.stopped++,
  });
  return { clock, state, cancel };
}

test("nobody and nothing for the whole time: it calls back once", () => {
  const { clock, state } = watched();
  clock.pass(999);
  assert.equal(state.stopped, 0);
  clock.pass(5000);
  assert.equal(state.stopped, 1);
});

test("work keeps it from being idle, and the time counts from its end", () => {
  const { clock, state } = watched();
  state.busy = true;
  clock.pass(10_000);
  state.busy = false;
  clock.pass(950);
  assert.equal(state.stopped, 0);
  clock.pass(200);
  assert.equal(state.stopped, 1);
});

test("once it is let go of it never calls back", () => {
  const { clock, state, cancel } = watched();
  cancel();
  clock.pass(10_000);
  assert.equal(state.stopped, 0);
});
