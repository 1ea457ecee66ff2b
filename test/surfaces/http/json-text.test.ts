import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";

import { jsonFault } from "../../../src/surfaces/http/request/json-fault.ts";
import { parseJsonText } from "../../../src/surfaces/http/request/json-text.ts";

// Refused by design, and a favourite of fast-check.
const json = (maxDepth: number) =>
  fc.jsonValue({ maxDepth }).filter((value) => !JSON.stringify(value).includes("__proto__"));

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

test("any JSON of at most 64 levels is read as JSON.parse reads it", () => {
  fc.assert(
    fc.property(json(8), fc.boolean(), (value, wide) => {
      const text = JSON.stringify(value, null, wide ? 2 : 0);
      assert.deepEqual(parseJsonText(text), JSON.parse(text));
    }),
  );
});

test("the place of a fault is in the text, and not before the string or the escape that it spoils", () => {
  const spoiled = fc.tuple(json(4), fc.nat(), fc.constantFrom("", "x", "}", "]", ",", '"', "\u0001", "\\", "1"));
  fc.assert(
    fc.property(spoiled, ([value, position, insertion]) => {
      const whole = JSON.stringify(value);
      const at = position % (whole.length + 1);
      const text = whole.slice(0, at) + insertion + whole.slice(at + 1);
      if (isJson(text)) assert.equal(jsonFault(text), text.length);
      else {
        assert.throws(() => parseJsonText(text), /line \d+, column \d+/);
        assert.ok(jsonFault(text) <= text.length);
        const quote = whole.lastIndexOf('"', at);
        // A quote that is the second half of an escape: that is wrong from its backslash on.
        const earliest = whole[quote - 1] === "\\" ? quote - 1 : quote;
        assert.ok(jsonFault(text) >= Math.min(at, earliest) || insertion === "");
      }
    }),
  );
});

test("the key __proto__ is refused, however it is written", () => {
  for (const text of ['{"__proto__":1}', '{"a":{"\\u005f_proto__":{}}}'])
    assert.throws(() => parseJsonText(text), /__proto__/);
});

test("64 levels are read and 65 are not", () => {
  assert.doesNotThrow(() => parseJsonText("[".repeat(64) + "]".repeat(64)));
  assert.throws(() => parseJsonText("[".repeat(65) + "]".repeat(65)), /deeper than 64 levels/);
  assert.doesNotThrow(() => parseJsonText(JSON.stringify("[".repeat(100))));
});

test("a key that stands twice is an error however it is written, but not in another object", () => {
  for (const text of ['{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '[{"b":{"a":1,"c":[],"a":2}}]', '{"":1,"":1}']) {
    assert.throws(() => parseJsonText(text), /a second time/, text);
  }
  for (const text of ['{"a":{"a":1},"b":{"a":1}}', '[{"a":1},{"a":1}]', '{"a":"a","b":"a"}', '{"a":["a","a"]}']) {
    assert.doesNotThrow(() => parseJsonText(text), text);
  }
});

test("more than 10,000 keys are too many", () => {
  const keys = (count: number) => `{${Array.from({ length: count }, (_, index) => `"k${index}":0`).join(",")}}`;
  assert.doesNotThrow(() => parseJsonText(keys(10_000)));
  assert.throws(() => parseJsonText(keys(10_001)), /more than 10000 keys/);
});
