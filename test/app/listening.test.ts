import assert from "node:assert/strict";
import { test } from "node:test";

import { resolveConfig } from "../../src/app/config/resolve-config.ts";
import { checkListening, isLoopback, urlOf } from "../../src/app/listening.ts";
import { configFileSchema } from "../../src/schema/config-file.ts";
import type { Config } from "../../src/schema/config.ts";

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

const configOf = (written: object): Config => resolveConfig(configFileSchema.parse(written), "/x", {});

test("commands with a network may not meet an API without a token", () => {
  const refused = {
    exitCode: 78,
    message: /sandbox\.network .* API, and there is no token/,
    hint: /server\.api_token or admin\.token/,
  };
  assert.throws(() => checkListening(configOf({ sandbox: { network: true } }), false), refused);
  const both = { tcp: true, socket: true };
  for (const protectedBy of [{ server: { api_token: "t".repeat(16) } }, { admin: { token: "t".repeat(16) } }])
    assert.deepEqual(checkListening(configOf({ sandbox: { network: true }, ...protectedBy }), false), both);
  assert.deepEqual(
    checkListening(configOf({ sandbox: { network: true }, gateways: { http: { enabled: false } } }), false),
    {
      tcp: false,
      socket: true,
    },
  );
  assert.deepEqual(checkListening(configOf({ sandbox: { network: true } }), true), { tcp: false, socket: true });
  assert.deepEqual(checkListening(configOf({}), false), both);
});
