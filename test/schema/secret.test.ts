import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import { Secret, secretsIn } from "../../src/schema/secret.ts";

test("a secret shows in no way but the one that asks for it", () => {
  const secret = new Secret("hunter2hunter2");
  const shown = [
    String(secret),
    JSON.stringify({ secret }),
    inspect({ secret }),
    inspect(secret, { showHidden: true }),
    String([secret]),
  ];
  for (const text of [...shown, ...Object.values(structuredClone(Object.entries(secret))).flat()]) {
    assert.ok(!String(text).includes("hunter2"), String(text));
  }
  assert.equal(secret.reveal(), "hunter2hunter2");
});

test("the texts to strike out are those of 8 characters and more, longest first", () => {
  const found = secretsIn({
    server: { token: new Secret("abcdefgh"), short: new Secret("abc") },
    url: new Secret("postgres://user:longpassword@host/db"),
    list: [
      new Secret({
        Authorization: "Bearer sekrit-token",
        "X-Title": "not a secret",
        nested: { bot_token: "123456:ABC" },
      }),
    ],
  });
  assert.deepEqual(found, [
    "postgres://user:longpassword@host/db",
    "longpassword",
    "sekrit-token",
    "123456:ABC",
    "abcdefgh",
  ]);
});
