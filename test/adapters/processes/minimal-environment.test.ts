import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { minimalEnvironment } from "../../../src/adapters/processes/minimal-environment.ts";

const passedOn = ["PATH", "HOME", "LANG", "TERM", "TZ", "TMPDIR", "USER", "SHELL"];

void test("of any environment only the few variables that programs need are passed on, as they are", () => {
  const names = fc.oneof(
    fc.constantFrom(...passedOn, "DURAGENT_CALL_ID", "ANTHROPIC_API_KEY", "LD_PRELOAD", "LC_ALL"),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.dictionary(names, fc.string({ minLength: 1 })), (source) => {
      const given = minimalEnvironment(source);
      for (const [name, value] of Object.entries(given)) {
        assert.ok(passedOn.includes(name), name);
        if (Object.hasOwn(source, name)) assert.equal(value, source[name]);
      }
      for (const name of passedOn) assert.equal(Object.hasOwn(source, name) && !(name in given), false);
    }),
  );
});

void test("a server that was started without an environment still finds the system's programs", () => {
  assert.deepEqual(minimalEnvironment({}), { PATH: "/usr/local/bin:/usr/bin:/bin", LANG: "C.UTF-8" });
});
