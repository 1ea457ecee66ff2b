import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";

import { createArgumentChecks } from "../../../src/adapters/mcp/argument-check.ts";
import { boundedLines } from "../../../src/adapters/bounded-lines.ts";
import { messageBytesMax, withBoundedMessages } from "../../../src/adapters/mcp/bounded-response.ts";
import { toolNames } from "../../../src/adapters/mcp/tool-names.ts";

test("lines are the same however their bytes are cut, and each that is too long is told once", () => {
  const bytesMax = 12;
  const line = fc.oneof(
    fc.string({ unit: fc.constantFrom("a", "ü", "\u2028", "€", "\r"), maxLength: 9 }),
    fc.constant("x".repeat(13)),
  );
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.integer({ min: 1, max: 7 })), (lines, cuts) => {
      const bytes = Buffer.from(lines.map((one) => `${one}\n`).join(""));
      const seen: (string | null)[] = [];
      const take = boundedLines(bytesMax, (one) => seen.push(one));
      let at = 0;
      for (const cut of cuts) {
        take(bytes.subarray(at, at + cut));
        at += cut;
      }
      take(bytes.subarray(at));
      assert.deepEqual(
        seen,
        lines.map((one) => (Buffer.byteLength(one) > bytesMax ? null : one)),
      );
    }),
  );
});

test("a line without end costs no more than its bound, byte by byte too", () => {
  const seen: (string | null)[] = [];
  const take = boundedLines(1000, (line) => seen.push(line));
  for (let sent = 0; sent < 100_000; sent++) take(Buffer.from("x"));
  assert.deepEqual(seen, [null]);
  take(Buffer.from("\nnext\n"));
  assert.deepEqual(seen, [null, "next"]);
});

test("an answer over HTTP is bounded as a whole, a stream event by event", async () => {
  const piece = new Uint8Array(1024 * 1024).fill(120);
  const answer = (type: string, pieces: Uint8Array[]) =>
    withBoundedMessages(() =>
      Promise.resolve(new Response(ReadableStream.from(pieces), { headers: { "content-type": type } })),
    )("http://x/");
  const count = messageBytesMax / piece.length;
  const whole = Array.from({ length: count }, () => piece);
  const text = await (await answer("application/json", whole)).arrayBuffer();
  assert.equal(text.byteLength, messageBytesMax);
  await assert.rejects(
    async () => (await answer("application/json", [...whole, piece])).arrayBuffer(),
    /more than 8 MiB/,
  );
  const end = Buffer.from("\n\n");
  const events = [...whole.slice(1), end, ...whole.slice(1), end, ...whole.slice(1), end];
  await (await answer("text/event-stream", events)).arrayBuffer();
  await assert.rejects(
    async () => (await answer("text/event-stream", [...whole, piece])).arrayBuffer(),
    /more than 8 MiB/,
  );
});

test("every name that is given is one that providers take, no two are alike, and each tool is named or reported", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ unit: "grapheme", maxLength: 70 })), (tools) => {
      const problems: string[] = [];
      const named = toolNames("server", tools, (text) => problems.push(text));
      for (const name of named.keys()) assert.match(name, /^server__[A-Za-z0-9_-]{1,56}$/);
      assert.equal(new Set([...named.keys()].map((name) => name.toLowerCase())).size, named.size);
      assert.equal(named.size + problems.length, tools.length);
    }),
  );
});

test("schemas that are too large, too deep or wrong leave the arguments to the server, with a reason", async () => {
  const compile = await createArgumentChecks();
  let deep: Record<string, unknown> = {};
  for (let level = 0; level < 100; level++) deep = { items: deep };
  for (const [schema, reason] of [
    [{ description: "x".repeat(300_000) }, /300018 characters/],
    [deep, /levels deep/],
    [{ $ref: "#/nowhere" }, /nowhere/],
    [{ type: "no-such-type" }, /type/],
  ] as const) {
    const check = compile(schema);
    assert.match(check.unusable ?? "usable", reason);
    assert.equal(check.faultOf({ anything: 1 }), null);
  }
});

test("schemas of any dialect are checked; what says no by a pattern is not", async () => {
  const compile = await createArgumentChecks();
  const required = { type: "object", required: ["a"] };
  for (const dialect of [
    "http://json-schema.org/draft-07/schema#",
    "https://json-schema.org/draft/2020-12/schema",
    "urn:own",
  ])
    assert.match(compile({ $schema: dialect, ...required }).faultOf({}) ?? "", /required property 'a'/);
  const slow = { type: "string", pattern: "^(a+)+$" };
  for (const schema of [
    { properties: { a: { not: slow } } },
    { properties: { a: { oneOf: [slow, { type: "string" }] } } },
    { patternProperties: { "^(a+)+$": { type: "number" } } },
  ])
    assert.equal(compile(schema).faultOf({ a: `${"a".repeat(40)}!` }), null);
  assert.match(compile({ properties: { a: slow } }).faultOf({ a: 1 }) ?? "", /must be string/);
});

test("arguments that take for ever to be checked are left to the server, and hold this process up for a moment only", async () => {
  const compile = await createArgumentChecks();
  const branching = { anyOf: [{ $ref: "#/$defs/node" }, { $ref: "#/$defs/node" }] };
  const node = { type: "object", properties: { next: branching, end: { const: 1 } }, required: ["end"] };
  const { faultOf } = compile({ $defs: { node }, $ref: "#/$defs/node" });
  let given: object = { end: 2 };
  for (let depth = 0; depth < 40; depth += 1) given = { end: 1, next: given };
  assert.equal(faultOf(given), null);
  const unique = compile({ type: "object", properties: { all: { type: "array", uniqueItems: true } } });
  assert.equal(unique.faultOf({ all: Array.from({ length: 100_000 }, (_, index) => ({ at: index })) }), null);
  assert.match(unique.faultOf({ all: [{ at: 1 }, { at: 1 }] }) ?? "", /must NOT have duplicate items/);
});
