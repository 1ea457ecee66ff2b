import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { redactor } from "../../src/domain/redact.ts";

// Three letters: secrets then overlap, repeat and contain each other in most runs.
const letters = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom("a", "b", "\n"), minLength, maxLength });
const secrets = fc.array(letters(8, 12), { minLength: 1, maxLength: 3 });
const textWith = (known: string[]) =>
  fc.array(fc.oneof(letters(0, 6), fc.constantFrom(...known)), { maxLength: 8 }).map((parts) => parts.join(""));
const secretsAndText = secrets.chain((known) => fc.tuple(fc.constant(known), textWith(known)));

test("no secret is left in a text, and nothing else is changed", () => {
  fc.assert(
    fc.property(secretsAndText, ([known, text]) => {
      const redacted = redactor(known).text(text);
      for (const secret of known) assert.equal(redacted.includes(secret), false);
      if (!known.some((secret) => text.includes(secret))) {
        const escaped = known.map((secret) => JSON.stringify(secret).slice(1, -1));
        if (!escaped.some((secret) => text.includes(secret))) assert.equal(redacted, text);
      }
    }),
  );
});

test("a text that comes in pieces is redacted as if it came whole, wherever it is cut", () => {
  fc.assert(
    fc.property(secretsAndText, fc.array(fc.nat(20)), ([known, text], lengths) => {
      const stream = redactor(known).stream();
      let given = "";
      let position = 0;
      for (const length of lengths) {
        given += stream.push(text.slice(position, position + length));
        position += length;
      }
      given += stream.push(text.slice(position)) + stream.end();
      assert.equal(given, redactor(known).text(text));
    }),
    { numRuns: 2_000 },
  );
});

test("a stream keeps back less than the longest secret", () => {
  fc.assert(
    fc.property(secretsAndText, ([known, text]) => {
      const stream = redactor(known).stream();
      const longest = Math.max(...known.map((secret) => JSON.stringify(secret).length - 2));
      let given = "";
      for (let index = 0; index < text.length; index++) {
        given += stream.push(text.charAt(index));
        // A mask can be shorter or longer than what it stands for: compare where nothing was masked.
        if (!given.includes("*")) assert.ok(index + 1 - given.length < longest);
      }
    }),
  );
});

test("a stream gives out at once what can not be a secret", () => {
  const stream = redactor(["sk-secret-key"]).stream();
  assert.equal(stream.push("the key is sk-se"), "the key is ");
  assert.equal(stream.push("ldom shown"), "sk-seldom shown");
  assert.equal(stream.push(": sk-secret-key"), ": ***");
  assert.equal(stream.push(" and sk-sec"), " and ");
  assert.equal(stream.end(), "sk-sec");
});

test("an endless secret-like text needs no more memory than one secret", () => {
  const stream = redactor(["aaaaaaaa"]).stream();
  let given = "";
  for (let count = 0; count < 100_000; count++) given += stream.push("a");
  assert.equal(given + stream.end(), "***");
});

test("overlapping secrets leave nothing of either", () => {
  assert.equal(redactor(["abcdefgh", "efghijkl"]).text("<abcdefghijkl>"), "<***>");
  assert.equal(redactor(["abcdefgh", "abcdefghijkl"]).text("<abcdefghijkl>"), "<***>");
});

test("a secret is also found as JSON writes it", () => {
  const redact = redactor(['pass"word\\1']);
  assert.equal(redact.text(JSON.stringify({ key: 'pass"word\\1' })), '{"key":"***"}');
});

test("a secret of less than 8 characters is none", () => {
  assert.equal(redactor(["1234567", ""]).text("1234567"), "1234567");
});

test("strings and keys of a value are redacted at any depth, the rest is the same object", () => {
  const redact = redactor(["sk-secret-key"]);
  const untouched = { numbers: [1, 2], when: new Date(0) };
  const value = { untouched, list: ["x", { deep: "=sk-secret-key=" }], "sk-secret-key": null };
  const redacted: unknown = redact.value(value);
  assert.deepEqual(redacted, { untouched, list: ["x", { deep: "=***=" }], "***": null });
  assert.equal(redact.value(untouched), untouched);
});

test("a value that contains itself comes to an end", () => {
  const value: { self?: unknown; again?: unknown; secret: string } = { secret: "sk-secret-key" };
  value.self = value;
  value.again = value;
  assert.deepEqual(redactor(["sk-secret-key"]).value(value), { secret: "***", self: "***", again: "***" });
});

test("a key named __proto__ stays a key", () => {
  const value: unknown = JSON.parse('{"__proto__": {"a": 1}, "b": "sk-secret-key"}');
  assert.equal(JSON.stringify(redactor(["sk-secret-key"]).value(value)), '{"__proto__":{"a":1},"b":"***"}');
});

test("without secrets everything comes back as it is", () => {
  const redact = redactor([]);
  const value = { a: ["x"] };
  const stream = redact.stream();
  assert.equal(redact.value(value), value);
  assert.equal(redact.text("abc"), "abc");
  assert.equal(stream.push("abc") + stream.end(), "abc");
});
