import assert from "node:assert/strict";
import { test } from "node:test";

import { isLoopback, urlOf } from "../../src/app/listening.ts";

for (const host of [
  "127.0.0.1",
  "127.9.9.9",
  "localhost",
  "LOCALHOST",
  "::1",
  "[::1]",
  "app.localhost",
  "::ffff:127.0.0.1",
]) {
  test(`${host} is this machine only`, () => assert.equal(isLoopback(host), true));
}
for (const host of [
  "0.0.0.0",
  "::",
  "10.0.0.1",
  "example.org",
  "localhost.example.org",
  "127.0.0.1.example.org",
  "1270.0.0.1",
]) {
  test(`${host} can be reached from elsewhere`, () => assert.equal(isLoopback(host), false));
}

test("an address for all interfaces is shown as one that can be opened", () => {
  assert.equal(urlOf("0.0.0.0", 8080), "http://127.0.0.1:8080");
  assert.equal(urlOf("::", 1), "http://[::1]:1");
  assert.equal(urlOf("box.local", 80), "http://box.local:80");
});
