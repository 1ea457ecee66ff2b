import assert from "node:assert/strict";
import { test } from "node:test";

import { LostServer } from "../../../src/surfaces/cli/server/lost-server.ts";

function counted() {
  let starts = 0;
  const server = new LostServer(async () => void (starts += 1));
  return { server, starts: () => starts };
}

test("a server that crashed is started again at each attempt that finds none", () => {
  const { server, starts } = counted();
  server.lost(false);
  server.lost(false);
  assert.equal(starts(), 2);
});

test("one that was stopped is started for what is asked next only, and then until it is back", () => {
  const { server, starts } = counted();
  server.wanted();
  server.lost(true);
  server.lost(false);
  assert.equal(starts(), 0);
  server.wanted();
  server.lost(false);
  assert.equal(starts(), 2);
  server.back();
  server.lost(true);
  assert.equal(starts(), 2, "stopped anew");
  server.back();
  server.lost(false);
  assert.equal(starts(), 3, "a crash after it");
});

test("one that is not ours is never started", () => {
  const server = new LostServer(undefined);
  server.lost(false);
  server.lost(true);
  server.wanted();
  assert.equal(server.mayStart, false);
});
